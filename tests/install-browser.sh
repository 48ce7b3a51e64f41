#!/bin/sh
# Makes sure that the browser tests find a Chromium; quiet and instant when one is there.
set -eu

command -v chromium >/dev/null 2>&1 && exit 0

packages="chromium fonts-noto-cjk"
give_up() {
  echo "The browser tests need Chromium, and $1: install the packages $packages and try again." >&2
  exit 1
}

command -v apt-get >/dev/null 2>&1 || give_up "there is no apt-get here"
if [ "$(id -u)" -eq 0 ]; then
  as_root=""
elif sudo -n true 2>/dev/null; then
  as_root="sudo -n"
else
  give_up "only root may install it"
fi

install() {
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $packages >/dev/null 2>&1
}

echo "Installing Chromium for the browser tests ..."
install || { $as_root apt-get update -qq >/dev/null 2>&1 && install; } ||
  give_up "apt-get could not install it"
