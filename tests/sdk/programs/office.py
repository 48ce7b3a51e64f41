"""What the office programs share: nine functions of a town hall, and what they return."""

import json
from typing import Any

from reporting import WEATHER, weather_in


def _function(name: str, description: str, /, **parameters: str) -> dict[str, Any]:
    """Return the definition of a function whose parameters are all strings, described."""
    return {
        "name": name,
        "description": description,
        "parameters": {
            "type": "object",
            "properties": {
                each: {"type": "string", "description": text} for each, text in parameters.items()
            },
            "required": list(parameters),
        },
    }


FUNCTIONS = [
    WEATHER,
    _function("book_court", "Book a tennis court.", day="Day of the booking", hour="Hour"),
    _function("cancel_booking", "Cancel a booking.", booking_id="Id of the booking"),
    _function("find_employee", "Find the telephone of an employee.", name="Name of the employee"),
    _function(
        "report_damage", "Report damage in a street.", street="Street", damage="What is broken"
    ),
    _function("list_events", "List the events of a month.", month="Name of the month"),
    _function("send_receipt", "Send a receipt by e-mail.", email="Address", receipt_id="Its id"),
    _function("translate_form", "Translate a form.", form="Name of the form", language="Language"),
    {"name": "count_visitors", "description": "Count today's visitors."},
]
INSTRUCTIONS = "You help the citizens of a town. Answer from the documents, or call a function."
NAMES = ("pool.pdf", "library.pdf", "parking.pdf")
ABOUT_THE_WEATHER = "What is the weather in Madrid?"
ABOUT_A_DOCUMENT = "When does the indoor pool close on Sundays?"


def call(name: str, arguments: str) -> str:
    """Be the function of that name; only the weather is asked for here."""
    if name != WEATHER["name"]:
        raise LookupError(f"the model called {name} with {arguments}")
    return json.dumps(weather_in(json.loads(arguments)["city"]))
