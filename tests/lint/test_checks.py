#!/usr/bin/env python3
"""Our own checks can fail: each is run on a copy of the tree with one fault planted in it, and once without."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = os.environ.get("AGROBRIDGE_SOURCE") or os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# A small tree of our own, so that these tests say something about the checks and not about today's sources.
TREE = {
    "src/conf/conf.def": 'NUMBER(WORKERS, workers, SERVE, 1, 2, 1, "x")\nSECRET(REDIS_URL, redis_url, SERVE, "x")\n',
    "src/base/err.def": 'ERR(NOT_FOUND, 404, "not_found", "x", "y")\n',
    "src/base/banned.h": "/* none */\n",
    "src/base/a.h": "#include <stddef.h>\nstatic inline size_t a(void)\n{\n\treturn 1;\n}\n",
    "src/base/a.c": '#include "base/a.h"\n',
    "src/http/json.c": '#include <cjson/cJSON.h>\n#include "base/a.h"\n',
    "src/store/queries.def": 'QUERY(X, "SELECT id FROM lot")\n',
    "src/store/schema/001_first.sql": "CREATE TABLE lot ();\n",
    "src/main.c": '\t{ "serve", "[--now]", "x", f },\n',
    "tests/unit/check_a.c": "int main(void)\n{\n\treturn 0;\n}\n",
    "tests/lint/test_x.py": "",
    "README.md": "# A\n## B\nSee [docs](docs/a.md), `AGROBRIDGE_WORKERS`, `AGROBRIDGE_REDIS_URL_FILE`, AGROBRIDGE_*.\n",
    "README.es.md": "# A\n## Be\n",
    "docs/agrobridge.1.in": ".SH SYNOPSIS\n.B agrobridge serve\n.RB [ \\-\\-now ]\n\\-\\-help \\-\\-version\n.SH DESCRIPTION\n",
    "docs/a.md": '# A\n| `not_found` | 404 |\n```\n# not a heading\n{"code": "not_found"}\n```\n',
    "docs/es/a.md": "# A\n",
}


class Checks(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="agrobridge-lint.")
        self.addCleanup(shutil.rmtree, self.root)
        for name, text in TREE.items():
            self.write(name, text)
        os.mkdir(os.path.join(self.root, "tools"))
        for tool in os.listdir(os.path.join(SOURCE, "tools")):
            shutil.copy(os.path.join(SOURCE, "tools", tool), os.path.join(self.root, "tools"))

    def write(self, name, text):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def add(self, name, text):
        self.write(name, TREE.get(name, "") + text)

    def run_tool(self, *command, env=None):
        return subprocess.run([os.path.join("tools", command[0]), *command[1:]], cwd=self.root, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env)

    def passes(self, *command):
        done = self.run_tool(*command)
        self.assertEqual(done.returncode, 0, done.stdout)

    def fails(self, word, *command, env=None):
        done = self.run_tool(*command, env=env)
        self.assertNotEqual(done.returncode, 0, "passed although a fault was planted")
        self.assertIn(word, done.stdout)


class Layers(Checks):
    def test_a_clean_tree_passes(self):
        self.passes("check-layers")

    def test_foreign_headers_have_one_home(self):
        homes = {"<cjson/cJSON.h>": "src/http/fields.c", "<libpq-fe.h>": "src/session/session.c",
                 "<hiredis/hiredis.h>": "src/store/db.c", "<fcgiapp.h>": "src/pool/worker.c",
                 "<argon2.h>": "src/api/auth.c", "<openssl/ssl.h>": "src/session/redis.c"}
        for header, name in homes.items():
            with self.subTest(header):
                self.write(name, f"#include {header}\n")
                self.fails(f"{name}:1: {header}", "check-layers")
                os.remove(os.path.join(self.root, name))

    def test_folders_do_not_know_what_is_above_them(self):
        for folder in ("api", "store", "session", "fcgi", "pool", "http"):
            self.write(f"src/{folder}/x.h", "")
        for name, header in (("src/base/b.c", "store/x.h"), ("src/pool/b.c", "http/x.h"), ("src/pool/b.c", "api/x.h"),
                             ("src/http/b.c", "session/x.h"), ("src/http/b.c", "pool/x.h"), ("src/conf/b.c", "api/x.h")):
            with self.subTest(f"{name} {header}"):
                self.write(name, f'\n#include "{header}"\n')
                self.fails(f"{name}:2:", "check-layers")
                os.remove(os.path.join(self.root, name))

    def test_headers_are_named_from_src(self):
        self.write("src/base/b.c", '#include "a.h"\n')
        self.fails("src/base/b.c:1:", "check-layers")

    def test_sql_stands_in_one_place(self):
        for sql in ("SELECT a FROM b", "INSERT INTO b", "UPDATE b SET a = 1", "DELETE FROM b", "COMMIT",
                    "CREATE TABLE b ()"):
            with self.subTest(sql):
                self.write("src/store/b.c", f'\nconst char *sql = "{sql}";\n')
                self.fails("src/store/b.c:2: SQL", "check-layers")

    def test_sql_is_seen_in_pieces_and_by_its_format(self):
        for text in ('"SELECT a"\n\t" FROM b"', 'f(&sql, "DELETE" /* x */ " FROM b WHERE a = \'%s\'", name)'):
            with self.subTest(text):
                self.write("src/api/b.c", f"\nconst char *sql = {text};\n")
                self.fails("src/api/b.c:2: SQL", "check-layers")
        os.remove(os.path.join(self.root, "src/api/b.c"))
        self.add("src/store/queries.def", 'QUERY(Y, "SELECT a FROM b"\n\t" WHERE a = \'%s\'")\n')
        self.fails("src/store/queries.def:2: a value", "check-layers")
        self.write("src/store/queries.def", 'QUERY(Y, "SELECT a % 7 FROM b WHERE a LIKE \'5%\'")\n')
        self.passes("check-layers")

    def test_one_file_asks_postgresql(self):
        for call in ("PQexec(c, sql)", "PQexecParams(c, sql)", "PQsendQuery(c, sql)", "PQprepare(c, sql)",
                     "db_execute(db, sql)"):
            with self.subTest(call):
                self.write("src/store/b.c", f"\n\tr = {call};\n")
                self.fails(f"src/store/b.c:2: {call.partition('(')[0]}() may be called only in", "check-layers")

    def test_a_comment_may_say_anything(self):
        self.write("src/store/b.c", '/* "SELECT a FROM b" */ // #include <fcgiapp.h>\n/*\n#include <argon2.h>\n*/\n'
                                    'const char *redis = "SELECT 0";\n')
        self.passes("check-layers")


class Headers(Checks):
    def test_a_clean_tree_passes(self):
        self.passes("check-headers")

    def test_a_header_that_needs_another_before_it(self):
        self.write("src/base/b.h", "size_t b(void);\n")
        self.fails("src/base/b.h does not compile alone", "check-headers")


class Docs(Checks):
    def test_a_clean_tree_passes(self):
        self.passes("check-docs")

    def test_headings_of_a_translation(self):
        self.add("README.es.md", "### De más\n")
        self.fails("README.es.md", "check-docs")
        self.write("README.es.md", TREE["README.es.md"])
        self.add("docs/es/a.md", "## De más\n")
        self.fails("docs/es/a.md", "check-docs")

    def test_a_setting_that_does_not_exist(self):
        self.add("docs/a.md", "Set AGROBRIDGE_WORKRES.\n")
        self.fails("docs/a.md:7: there is no setting AGROBRIDGE_WORKRES", "check-docs")

    def test_only_a_secret_has_a_file(self):
        self.add("docs/a.md", "Set AGROBRIDGE_WORKERS_FILE.\n")
        self.fails("AGROBRIDGE_WORKERS_FILE", "check-docs")

    def test_an_error_code_that_does_not_exist(self):
        self.add("docs/a.md", '```\n{"code":"gone"}\n```\n')
        self.fails("there is no error code gone", "check-docs")

    def test_an_error_code_with_another_status(self):
        self.add("docs/a.md", "| `not_found` | 410 |\n")
        self.fails("not_found has status 404, not 410", "check-docs")

    def test_a_link_that_leads_nowhere(self):
        self.add("README.md", "[gone](docs/gone.md#part)\n")
        self.fails("docs/gone.md is not there", "check-docs")


    def test_a_command_the_manual_does_not_have(self):
        self.add("src/main.c", '\t{ "size",\n\t\t"[--cpu-ms C] [--wait"\n\t\t"-ms W]", "x", f },\n')
        self.fails("size is not in its synopsis", "check-docs")
        self.fails("--cpu-ms is not in its synopsis", "check-docs")
        self.fails("--wait-ms is not in its synopsis", "check-docs")

    def test_an_option_the_program_does_not_have(self):
        self.write("src/main.c", '\t{ "serve", "", "x", f },\n')
        self.fails("--now is not in main.c", "check-docs")


class Sources(Checks):
    def setUp(self):
        super().setUp()
        subprocess.run(["git", "init", "-q"], cwd=self.root, check=True)
        self.passes("check-sources", "--fix")

    def test_lists_just_written_pass(self):
        self.passes("check-sources")

    def test_a_file_that_is_not_listed(self):
        for name in ("src/base/new.c", "tests/unit/check_new.c", "src/store/schema/002_new.sql", "docs/new.md",
                     "tests/fuzz/fuzz_new.c"):
            with self.subTest(name):
                self.write(name, "")
                self.fails(os.path.splitext(name)[0], "check-sources")
                self.passes("check-sources", "--fix")
                self.passes("check-sources")

    def test_a_file_that_is_gone(self):
        os.remove(os.path.join(self.root, "src/base/a.c"))
        self.fails("src/base/a.c is listed but not there", "check-sources")


    def test_inputs_of_a_fuzzer_are_shipped_as_a_folder(self):
        self.write("tests/fuzz/fuzz_a.c", "")
        self.write("tests/fuzz/corpus/a/0123456789", "x")
        self.passes("check-sources", "--fix")
        with open(os.path.join(self.root, "tests/programs.am"), encoding="utf-8") as file:
            self.assertIn("fuzz_programs = \\\n\ttests/fuzz/fuzz_a\n", file.read())
        with open(os.path.join(self.root, "tools/dist.am"), encoding="utf-8") as file:
            self.assertIn("\ttests/fuzz/corpus\n", file.read().replace(" \\\n", "\n"))


class Lint(Checks):
    def setUp(self):
        super().setUp()
        subprocess.run(["git", "init", "-q"], cwd=self.root, check=True)

    def test_each_check_says_one_line(self):
        done = self.run_tool("lint", "layers", "docs")
        self.assertEqual((done.stdout, done.returncode), ("ok layers\nok docs\n", 0))

    def test_one_failure_fails_all_and_the_rest_still_runs(self):
        self.write("src/base/b.c", "#include <argon2.h>\n")
        done = self.run_tool("lint", "layers", "docs")
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stdout.startswith("FAILED layers\n"), done.stdout)
        self.assertTrue(done.stdout.endswith("ok docs\n"), done.stdout)

    def test_a_missing_tool_is_a_failure_that_names_its_package(self):
        """With nothing on the path but python3: none of these may pass."""
        path = os.path.join(self.root, "bin")
        os.mkdir(path)
        os.symlink(sys.executable, os.path.join(path, "python3"))
        for name, package in (("format", "clang-format"), ("tidy", "clang-tidy"), ("clang", "clang"),
                              ("cppcheck", "cppcheck"), ("shellcheck", "shellcheck"), ("sources", "git")):
            with self.subTest(name):
                self.fails(f"apt-get install {package}", "lint", name, env={**os.environ, "PATH": path})


if __name__ == "__main__":
    unittest.main()
