"""Who sits at the keyboard, as in the tests of the admin pages; files go to a folder of the test's own."""

from tests.admin.conftest import _files_here, administrator, operator

__all__ = ["_files_here", "administrator", "operator"]
