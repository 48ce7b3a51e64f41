"""The debt negotiator: accounts, debts, and an assistant that negotiates within fixed rules."""
