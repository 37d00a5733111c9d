#!/bin/sh
# Files with people in them are for this user alone, whatever writes them.
umask 077
exec "$@"
