"""Install Debian's Chromium, LibreOffice and docker-compose for the tests that look at things, when they are missing.

Always ends with status 0 unless an installation failed: without the programs those tests are skipped, each with its
reason.
"""

import shutil
import sys

from install_services import install, why_left_out

PROGRAMS = {"chromium": "chromium", "libreoffice-calc-nogui": "soffice", "docker-compose": "docker-compose"}


def main() -> int:
    """Install what is missing; return the exit status."""
    packages = [package for package, program in PROGRAMS.items() if shutil.which(program) is None]
    if not packages:
        return 0
    reason = why_left_out(packages)
    if reason:
        print(f"Tests that need them are skipped: {reason}.")
        return 0
    print(f"Installing {' and '.join(packages)} with apt-get.", flush=True)
    return 0 if install(packages) else 1


if __name__ == "__main__":
    sys.exit(main())
