"""What an interruption leaves behind."""

import subprocess
import sys

INTERRUPTED = """
import sys

class Stop:
    def find_spec(self, name, path=None, target=None):
        if name == "numba.core.dispatcher":
            sys.meta_path.remove(self)
            raise KeyboardInterrupt

sys.meta_path.insert(0, Stop())
try:
    import likely.numerics.compiled
except KeyboardInterrupt:
    from likely.numerics.compiled import numba

    print(numba.core.dispatcher.__name__)
"""


def test_an_import_that_was_interrupted_can_be_done_again():
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("numba.core.dispatcher\n", "")
