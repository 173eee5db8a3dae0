#!/bin/sh
exec nsenter --target=1 --mount -- apt-get install --yes linux-image-6.12.48
