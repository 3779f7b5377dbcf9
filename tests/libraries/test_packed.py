"""What the registries of five languages would get: packed by their own tools, and used by a program that has nothing else."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import unittest
import xml.etree.ElementTree
import zipfile

from surroundings import main

ROOT = pathlib.Path(__file__).parents[2]
CLIENTS = ROOT / "clients"
LICENCES = ["LICENSE-APACHE", "LICENSE-MIT"]
WORKSPACE = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]


def succeeds(*command, **settings):
    run = subprocess.run(command, capture_output=True, text=True, **settings)
    assert run.returncode == 0, f"{command}: {run.stdout}{run.stderr}"
    return run.stdout


def files_of(folder):
    """The files in a folder of a library, by their places there, without what was built or installed."""
    found = []
    for place, folders, files in os.walk(CLIENTS / folder):
        folders[:] = [name for name in folders if name not in ("node_modules", "target", "__pycache__")]
        found += [str((pathlib.Path(place) / file).relative_to(CLIENTS / folder)) for file in files]
    return found


def sources(folder, *endings):
    """The files of a library that are no tests."""
    return sorted(file for file in files_of(folder) if file.endswith(endings) and "test" not in file)


class Packed(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)


class Alike(unittest.TestCase):
    def test_all_have_the_licences_of_the_project(self):
        for folder in ("go", "java", "node", "python", "rust"):
            for licence in LICENCES:
                self.assertEqual((CLIENTS / folder / licence).read_bytes(), (ROOT / licence).read_bytes(), folder)

    def test_all_have_one_version_one_home_and_one_repository(self):
        node = json.loads((CLIENTS / "node/package.json").read_text())
        python = tomllib.loads((CLIENTS / "python/pyproject.toml").read_text())["project"]
        self.assertEqual([node["version"], python["version"], Pom().text("version")], [WORKSPACE["version"]] * 3)
        self.assertEqual([node["license"], python["license"]], [WORKSPACE["license"]] * 2)
        homes = [node["homepage"], python["urls"]["Homepage"], Pom().text("url")]
        self.assertEqual(homes, [WORKSPACE["homepage"]] * 3)
        repositories = [node["repository"]["url"].removeprefix("git+"), python["urls"]["Repository"]]
        repositories.append(Pom().text("scm", "connection").removeprefix("scm:git:"))
        self.assertEqual(repositories, [WORKSPACE["repository"]] * 3)
        module = (CLIENTS / "go/go.mod").read_text().split()[1]
        self.assertEqual(module.split("/")[0], WORKSPACE["homepage"].removeprefix("https://"))


class Node(Packed):
    def setUp(self):
        super().setUp()
        self.library = CLIENTS / "node"
        [self.told] = json.loads(succeeds("npm", "pack", "--json", "--pack-destination", self.folder, cwd=self.library))

    def test_it_has_what_people_need_and_nothing_else(self):
        files = sorted(file["path"] for file in self.told["files"])
        code = sources("node", ".js", ".d.ts")
        self.assertEqual(files, sorted(["README.md", "package.json", *LICENCES, *code]))
        package = json.loads((self.library / "package.json").read_text())
        for name in ("description", "license", "author", "homepage", "repository", "keywords", "engines", "types", "exports", "files"):
            self.assertTrue(package[name], name)
        self.assertEqual(list(package["dependencies"]), ["jose"])

    def test_a_program_and_its_compiler_find_all_parts(self):
        place = self.folder / "node_modules/@sessera/tokens"
        with tarfile.open(self.folder / self.told["filename"]) as packed:
            packed.extractall(self.folder, filter="data")
        place.parent.mkdir(parents=True)
        (self.folder / "package").rename(place)
        for name in ("jose", "@types", "undici-types"):
            (self.folder / "node_modules" / name).symlink_to(self.library / "node_modules" / name)
        parts = json.loads((place / "package.json").read_text())["exports"]
        names = [f"@sessera/tokens{part[1:]}" for part in parts if not part.endswith(".json")]
        self.assertEqual(len(names), 3)
        imports = "".join(f"console.log(Object.keys(await import({json.dumps(name)})).join());" for name in names)
        printed = succeeds("node", "--input-type=module", "--eval", imports, cwd=self.folder).splitlines()
        for line, name in zip(printed, ("Verifier", "TokenHolder", "Follower")):
            self.assertIn(name, line)
        shutil.copy(self.library / "test/types.ts", self.folder / "types.mts")
        compiler = self.library / "node_modules/.bin/tsc"
        succeeds(compiler, "--noEmit", "--strict", "--module", "nodenext", "types.mts", cwd=self.folder)


class Python(Packed):
    def setUp(self):
        super().setUp()
        # The build has its own folder, as a registry of packages has none.
        succeeds(sys.executable, "-m", "build", "--no-isolation", "--outdir", self.folder, CLIENTS / "python")
        [self.wheel], [self.source] = self.folder.glob("*.whl"), self.folder.glob("*.tar.gz")

    def test_the_registry_would_take_it(self):
        checked = succeeds(sys.executable, "-m", "twine", "check", "--strict", self.wheel, self.source)
        self.assertEqual(checked.count("PASSED"), 2, checked)

    def test_it_has_what_people_need_and_nothing_else(self):
        modules = [file.removeprefix("src/") for file in sources("python", ".py", "py.typed")]
        self.assertIn("sessera_tokens/py.typed", modules)
        about = f"sessera_tokens-{WORKSPACE['version']}.dist-info"
        with zipfile.ZipFile(self.wheel) as packed:
            names = packed.namelist()
            metadata = packed.read(f"{about}/METADATA").decode()
        meta = ["METADATA", "RECORD", "WHEEL", *(f"licenses/{licence}" for licence in LICENCES)]
        self.assertEqual(sorted(names), sorted(modules + [f"{about}/{name}" for name in meta]))
        for name in ("License-Expression", "Author", "Requires-Python", "Keywords", "Summary", "Project-URL", "Classifier: Typing"):
            self.assertRegex(metadata, f"(?m)^{name}", name)
        self.assertIn("# sessera-tokens for Python", metadata)
        with tarfile.open(self.source) as packed:
            inside = {name.split("/", 1)[1] for name in packed.getnames() if "/" in name}
        self.assertLessEqual({"README.md", "pyproject.toml", *LICENCES}, inside)
        self.assertFalse([name for name in inside if name.startswith("tests")])


@unittest.skipUnless(shutil.which("go"), "Go is not installed")
class Go(Packed):
    def test_a_program_gets_all_packages_as_a_module(self):
        # Go has no program that packs: its command reads the archive of a version from a proxy. Here it lies ready in a folder.
        module, version = "sessera.dev/tokens", f"v{WORKSPACE['version']}"
        place = self.folder / "proxy" / module / "@v"
        place.mkdir(parents=True)
        (place / "list").write_text(f"{version}\n")
        (place / f"{version}.info").write_text(json.dumps({"Version": version}))
        shutil.copy(CLIENTS / "go/go.mod", place / f"{version}.mod")
        files = files_of("go")
        self.assertLessEqual({"README.md", *LICENCES}, set(files))
        with zipfile.ZipFile(place / f"{version}.zip", "w") as packed:
            for file in files:
                packed.write(CLIENTS / "go" / file, f"{module}@{version}/{file}")
        packages = ["", "/events", "/hold", "/status"]
        imports = "".join(f'\t_ "{module}{package}"\n' for package in packages)
        (self.folder / "main.go").write_text(f"package main\n\nimport (\n{imports})\n\nfunc main() {{}}\n")
        cache = self.folder / "cache"
        # Archives of the module are not in the log of sums, because nobody has published one.
        usual = succeeds("go", "env", "GOPROXY").strip()
        environment = os.environ | {"GOPROXY": f"file://{self.folder}/proxy,{usual}", "GONOSUMDB": "sessera.dev", "GOFLAGS": "-modcacherw -mod=mod"}
        environment |= {"GOMODCACHE": str(cache)}
        for command in (["mod", "init", "example.org/program"], ["get", f"{module}@{version}"], ["build", "-o", "program", "."]):
            succeeds("go", *command, cwd=self.folder, env=environment)
        for package in packages:
            told = succeeds("go", "doc", f"{module}{package}", cwd=self.folder, env=environment)
            self.assertRegex(told, r"(?m)^Package \w+ ", package)
        for licence in LICENCES:
            self.assertTrue((cache / f"{module}@{version}" / licence).exists(), licence)


class Pom:
    SPACE = "{http://maven.apache.org/POM/4.0.0}"

    def __init__(self):
        self.root = xml.etree.ElementTree.parse(CLIENTS / "java/pom.xml").getroot()

    def text(self, *path):
        return self.root.findtext("/".join(self.SPACE + name for name in path))


@unittest.skipUnless(os.environ.get("JARS"), "a Java development kit or Maven is not installed")
class Java(unittest.TestCase):
    def names(self, kind):
        with zipfile.ZipFile(pathlib.Path(os.environ["JARS"]) / f"sessera-tokens-{WORKSPACE['version']}{kind}.jar") as packed:
            return packed.namelist(), packed.read("META-INF/MANIFEST.MF").decode()

    def test_the_jars_have_classes_sources_and_documentation(self):
        code = [file.removesuffix(".java") for file in sources("java/src/main/java", ".java")]
        self.assertGreater(len(code), 5)
        classes, manifest = self.names("")
        self.assertLessEqual({f"{file}.class" for file in code}, set(classes))
        self.assertIn("Automatic-Module-Name: dev.sessera.tokens", manifest)
        given, _ = self.names("-sources")
        self.assertLessEqual({f"{file}.java" for file in code}, set(given))
        for names in (classes, given):
            self.assertLessEqual({f"META-INF/{name}" for name in ["README.md", *LICENCES]}, set(names))
            self.assertFalse([name for name in names if "Test" in name])
        told, _ = self.names("-javadoc")
        self.assertIn("index.html", told)
        self.assertTrue([name for name in told if name.endswith("dev/sessera/tokens/SesseraJwtDecoder.html")])

    def test_the_central_repository_has_all_that_it_asks_for(self):
        for path in (["groupId"], ["name"], ["description"], ["url"], ["scm", "url"], ["scm", "connection"]):
            self.assertTrue(Pom().text(*path), path)
        for path in (["licenses", "license", "name"], ["licenses", "license", "url"], ["developers", "developer", "name"]):
            self.assertTrue(Pom().text(*path), path)


class Rust(unittest.TestCase):
    def test_it_has_what_people_need_and_nothing_else(self):
        package = ["package", "--list", "--package", "sessera-tokens", "--allow-dirty", "--locked", "--offline"]
        files = set(succeeds("cargo", *package, cwd=ROOT).split())
        self.assertLessEqual({"README.md", "Cargo.toml", *LICENCES}, files)
        code = set(sources("rust", ".rs"))
        self.assertEqual({file for file in files if file.endswith(".rs")}, code)
        manifest = tomllib.loads((CLIENTS / "rust/Cargo.toml").read_text())["package"]
        for name in ("description", "license", "homepage", "repository", "authors", "readme", "keywords", "categories", "rust-version"):
            self.assertTrue(manifest[name], name)


if __name__ == "__main__":
    main()
