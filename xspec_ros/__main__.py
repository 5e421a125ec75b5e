"""Let ``python -m xspec_ros`` be the ``xspec`` command."""

from xspec_ros.cli.app import main

if __name__ == '__main__':
    main()
