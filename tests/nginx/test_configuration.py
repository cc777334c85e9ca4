"""nginx/render and what it makes: only what was meant, accepted by nginx, all files in one place."""

import os
import re
import resource
import subprocess
import unittest
from pathlib import Path

from front import SOURCE, FrontTest, processes


class Render(unittest.TestCase):
    """nginx/render refuses what would not be the configuration that was meant."""

    GOOD = {"AGROBRIDGE_PORT": "8080", "AGROBRIDGE_OPS_PORT": "8081", "AGROBRIDGE_SOCKET_DIR": "/run/agrobridge"}

    def render(self, changes=(), argv=("/nonexistent-agrobridge",)):
        env = {"PATH": os.environ["PATH"], **self.GOOD, **dict(changes)}
        env = {name: value for name, value in env.items() if value is not None}
        return subprocess.run([SOURCE / "nginx/render", *argv], env=env, capture_output=True, text=True, check=False)

    def test_each_bad_value_is_refused_by_name(self):
        for name, value in (
                ("AGROBRIDGE_PORT", None), ("AGROBRIDGE_PORT", "80; }"), ("AGROBRIDGE_PORT", "0"),
                ("AGROBRIDGE_PORT", "65536"), ("AGROBRIDGE_PORT", "080"), ("AGROBRIDGE_PORT", "8081"),
                ("AGROBRIDGE_OPS_PORT", ""), ("AGROBRIDGE_OPS_PORT", "x"),
                ("AGROBRIDGE_SOCKET_DIR", None), ("AGROBRIDGE_SOCKET_DIR", "run"), ("AGROBRIDGE_SOCKET_DIR", "/a b"),
                ("AGROBRIDGE_SOCKET_DIR", "/a;b"), ("AGROBRIDGE_SOCKET_DIR", "/a|b"), ("AGROBRIDGE_SOCKET_DIR", "/a\nb"),
                ("AGROBRIDGE_TRUSTED_PROXIES", "10.0.0.1; deny all"), ("AGROBRIDGE_TRUSTED_PROXIES", "$host"),
                ("AGROBRIDGE_TRUSTED_PROXIES", "unix:"), ("AGROBRIDGE_CORS_ORIGINS", "*"),
                ("AGROBRIDGE_CORS_ORIGINS", 'https://a.example"; deny all'), ("AGROBRIDGE_CORS_ORIGINS", "https://$host")):
            with self.subTest(f"{name}={value!r}"):
                done = self.render({name: value})
                self.assertEqual(done.returncode, 1)
                self.assertIn(name, done.stderr)
                self.assertEqual(done.stderr.count("nginx/render: "), 1)

    def test_bad_arguments_are_refused(self):
        for argv in ((), ("relative",), ("/a'b",), ("/tmp", "localhost"), ("/tmp", "0.0.0.0;")):
            with self.subTest(argv):
                self.assertEqual(self.render(argv=argv).returncode, 1)


class Accepted(FrontTest):
    trusted_proxies = "10.0.0.0/16,2001:db8::/32"

    @classmethod
    def setUpClass(cls):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 1024), hard))  # what a shell or a container gives
        cls.addClassCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        super().setUpClass()

    def test_nginx_finds_nothing_to_complain_about(self):
        log = self.directory / "check.log"
        log.touch()
        processes.identity().own(log)  # it opens /dev/stdout by name
        status = processes.run(processes.command([*self.nginx.argv(), "-t"]), log)
        self.assertEqual(status, 0, log.read_text())
        self.assertNotIn("[warn]", log.read_text())
        self.assertIn("real_ip", self.nginx.conf.read_text())
        self.assertNotRegex(self.nginx.conf.read_text(), r"@[A-Z_]+@")

    def workers(self):
        return self.nginx.process.descendants()

    def test_it_takes_all_cores_and_files_it_may(self):
        self.assertEqual(len(self.workers()), os.cpu_count())
        hard = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], 32768)
        for worker in self.workers():
            limits = Path(f"/proc/{worker.pid}/limits").read_text()
            self.assertRegex(limits, rf"Max open files +{hard} ")
        self.assertIn(f"worker_connections {hard // 2};", self.nginx.conf.read_text())

    def test_ordinary_sizes_stay_in_memory(self):
        self.responder.answer = lambda received: b"Status: 200\r\n\r\n" + b"x" * 900_000
        for headers in ((), ("X-Request-Id: in-memory",)):
            self.assertEqual(len(self.ask("/x", method="POST", headers=headers, body=b"x" * (1 << 20)).body), 900_000)
        self.log_line("in-memory")
        self.assertNotIn("temporary file", self.nginx.log.read_text())

    def test_all_files_are_under_the_run_directory(self):
        self.ask("/x", method="POST", body=b"x" * (1 << 20))
        pid = self.nginx.process.pid
        opened = {os.readlink(f"/proc/{p}/fd/{fd}") for p in (pid, *(c.pid for c in self.nginx.process.descendants()))
                  for fd in os.listdir(f"/proc/{p}/fd")}
        files = {name for name in opened if name.startswith("/") and not name.startswith(("/dev/", str(self.directory)))}
        self.assertEqual(files, set())
        temporary = re.findall(r"^\t(\w+_temp_path) (.*);$", self.nginx.conf.read_text(), re.MULTILINE)
        self.assertEqual(len(temporary), 5)  # every module's that Debian builds in: each is made at the start
        for _, directory in temporary:
            self.assertEqual(Path(directory).parent, self.directory / "n")
        self.assertEqual((self.directory / "n/nginx.pid").read_text().strip(), str(pid))


if __name__ == "__main__":
    unittest.main()
