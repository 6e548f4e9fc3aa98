"""`python -m fallback_cast.cli`: what timers and cron call, by the interpreter's full path."""

from fallback_cast.cli.app import main

main()
