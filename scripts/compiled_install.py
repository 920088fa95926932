"""Installs tdgate with its hot modules compiled: `python scripts/compiled_install.py VENV [OPT_LEVEL]`.

`make fast` runs this. OPT_LEVEL (0 to 3, else that of pyproject.toml) is the C compiler's: the tests, which ask what a
compiled build does and not how fast, take 0 and save two thirds of the time.

Builds a wheel of a copy of the sources, so that no compiled file ever lies in the checkout, where it would shadow the
source; installs it into VENV beside the locked dependencies, every archive checked against its hash. Run by an
interpreter whose environment holds the dev extra. Does nothing where VENV is of these sources already.

Exit 0 when VENV is complete, 3 without a C compiler and the interpreter's headers, 1 for any other failure.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / "build" / "compiled"
SOURCES = ("proxy", "simulators", "config")
SETTINGS = ("pyproject.toml", "requirements.lock", "scripts/compiled_install.py")
TEXTS = ("README.md", "LICENSE")
STAMP = ".built-from"
NO_COMPILER = 3


class CannotBuild(Exception):
    """One line for people, and the exit code."""

    def __init__(self, line: str, code: int = 1) -> None:
        super().__init__(line)
        self.code = code


def source_files() -> Iterator[Path]:
    for name in SOURCES:
        for path in sorted((ROOT / name).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".so":
                yield path


def sources_key(level: str) -> str:
    """A digest of everything that the build is made of, the interpreter included."""
    digest = hashlib.sha256(f"{sys.version} {sys.platform} {os.uname().machine} {level}".encode())
    for path in (*(ROOT / name for name in SETTINGS), *source_files()):
        octets = path.read_bytes()
        digest.update(f"\n{path.relative_to(ROOT)} {len(octets)}\n".encode() + octets)
    return digest.hexdigest()[:32]


def compiled_modules() -> list[str]:
    """The modules that the build hook compiles, by their import names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    include = project["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["mypyc"]["include"]
    return [path.removesuffix(".py").replace("/", ".") for path in include]


def runtime_lock() -> str:
    """The part of requirements.lock that an installed tdgate needs: its dependencies, and theirs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    entries: dict[str, str] = {}
    for entry in re.split(r"^(?=\S)", lock, flags=re.M):
        if name := re.match(r"[A-Za-z0-9._-]+", entry):
            entries[name[0].lower()] = entry
    wanted = {re.split(r"[^A-Za-z0-9._-]", one, maxsplit=1)[0].lower() for one in project["dependencies"]}
    while True:
        # Each entry names, in comments, who asked for it.
        via = {name: set(re.findall(r"^    #(?:\s+via)?\s+(\S+)$", entry, re.M)) for name, entry in entries.items()}
        more = {name for name, askers in via.items() if askers & wanted} - wanted
        if not more:
            return "".join(entries[name] for name in sorted(wanted))
        wanted |= more


def need_compiler() -> None:
    """Installs a C compiler and the interpreter's headers where they are missing and that is possible."""
    header = Path(sysconfig.get_paths()["include"]) / "Python.h"

    def missing() -> list[str]:
        headers = f"python{sys.version_info[0]}.{sys.version_info[1]}-dev"
        return [
            *([] if shutil.which("gcc") else ["gcc", "libc6-dev"]),
            *([] if header.exists() else [headers]),
        ]

    if packages := missing():
        print(f"installing: {' '.join(packages)}", flush=True)
        subprocess.run([ROOT / "scripts" / "apt-install", *packages], check=False)
    if packages := missing():
        raise CannotBuild(f"a compiled build needs {' '.join(packages)}: install by hand (Debian's names)", NO_COMPILER)


def run(*command: str | Path, **env: str) -> None:
    """Runs a command quietly; its last lines are shown only if it fails."""
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run(
        command, cwd=CACHE, env={**clean, **env}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        raise CannotBuild("\n".join(done.stdout.strip().splitlines()[-15:]))


def set_level(project: Path, level: str) -> None:
    text, count = re.subn(r'^opt_level = "\d"$', f'opt_level = "{level}"', project.read_text("utf-8"), flags=re.M)
    assert count == 1, "pyproject.toml says at one place how the C compiler is to optimise"
    project.write_text(text, "utf-8")


def wheel(key: str, level: str) -> Path:
    """The wheel of these sources; only the latest is kept."""
    folder = CACHE / "wheels" / key
    if not any(folder.glob("*.whl")):
        need_compiler()
        print(f"compiling {len(compiled_modules())} modules with mypyc: takes about a minute", flush=True)
        tree = CACHE / "tree"
        shutil.rmtree(tree, ignore_errors=True)
        for path in (*source_files(), *(ROOT / name for name in (*SETTINGS, *TEXTS))):
            copy = tree / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        if level:
            set_level(tree / "pyproject.toml", level)
        made = CACHE / "made"
        shutil.rmtree(made, ignore_errors=True)
        pip = (sys.executable, "-m", "pip", "wheel", "--disable-pip-version-check", "--no-deps", "--no-build-isolation")
        run(*pip, "--wheel-dir", made, tree, HATCH_BUILD_HOOKS_ENABLE="1")
        shutil.rmtree(folder.parent, ignore_errors=True)
        folder.parent.mkdir(parents=True)
        made.rename(folder)
    return next(folder.glob("*.whl"))


def install(wheel_file: Path, venv: Path, *, lazily: bool) -> None:
    """`lazily`: modules that stay Python are made ready when they are first imported; most never are."""
    python = venv / "bin" / "python"
    pip = (python, "-m", "pip", "install", "--disable-pip-version-check", *(["--no-compile"] if lazily else []))
    lock = runtime_lock()
    made_for = venv / ".runtime.lock"
    if not made_for.exists() or made_for.read_text("utf-8") != f"# {sys.version}\n{lock}":
        run(sys.executable, "-m", "venv", "--clear", venv)
        # WHY: it lies in the checkout, and neither git nor the linters have any business in it.
        (venv / ".gitignore").write_text("*\n")
        listed = CACHE / "runtime.lock"
        listed.write_text(lock, "utf-8")
        run(*pip, "--require-hashes", "-r", listed)
        made_for.write_text(f"# {sys.version}\n{lock}", "utf-8")
    run(*pip, "--no-deps", "--force-reinstall", wheel_file)
    check = (
        "import importlib, sys\n"
        "plain = [one for one in sys.argv[1:] if not importlib.import_module(one).__file__.endswith('.so')]\n"
        "sys.exit(f'not compiled: {plain}' if plain else 0)"
    )
    run(python, "-c", check, *compiled_modules())


def main() -> int:
    if len(sys.argv) not in (2, 3) or (sys.argv[2:] and sys.argv[2] not in "0123"):
        print("usage: compiled_install.py VENV [OPT_LEVEL]", file=sys.stderr)
        return 2
    venv = Path(sys.argv[1]).resolve()
    level = sys.argv[2] if sys.argv[2:] else ""
    stamp = venv / STAMP
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / ".lock").open("w") as lock:
        # Two at once would build over each other.
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            key = sources_key(level)
            if stamp.exists() and stamp.read_text() == key:
                return 0
            stamp.unlink(missing_ok=True)
            install(wheel(key, level), venv, lazily=bool(level))
            stamp.write_text(key)
        except CannotBuild as reason:
            print(f"no compiled build: {reason}", file=sys.stderr)
            return reason.code
    print(f"compiled: {venv / 'bin' / 'tdgate'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
