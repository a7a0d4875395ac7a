#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Service units as policies: every unit of the system, and own ones with every directive."""

import json
import os
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import sbxtest  # noqa: E402  (the path comes first)
from sbxtest import sbx  # noqa: E402

OWN_UNITS = pathlib.Path(__file__).resolve().parents[1] / "units"
SYSTEM_UNITS = pathlib.Path("/lib/systemd/system")

# Every directive of systemd 252 that confines a service (systemd.exec(5), systemd.resource-control(5)).
CONFINING = set("""
    NoNewPrivileges User Group DynamicUser SupplementaryGroups CapabilityBoundingSet AmbientCapabilities SecureBits PrivateUsers
    PrivateNetwork NetworkNamespacePath PrivateIPC PrivateTmp PrivateDevices PrivateMounts MountFlags ProtectSystem ProtectHome
    RootDirectory RootImage RootImageOptions ExtensionImages MountImages ReadWritePaths ReadOnlyPaths InaccessiblePaths ExecPaths
    NoExecPaths TemporaryFileSystem BindPaths BindReadOnlyPaths ProtectProc ProcSubset ProtectKernelTunables ProtectKernelModules
    ProtectKernelLogs ProtectClock ProtectControlGroups ProtectHostname RestrictNamespaces RestrictAddressFamilies RestrictRealtime
    RestrictSUIDSGID LockPersonality MemoryDenyWriteExecute SystemCallFilter SystemCallErrorNumber SystemCallLog
    SystemCallArchitectures RestrictFileSystems RestrictNetworkInterfaces SocketBindAllow SocketBindDeny IPAddressAllow IPAddressDeny
    DeviceAllow DevicePolicy KeyringMode RemoveIPC UMask LimitNOFILE LimitNPROC LimitCPU CPUQuota MemoryMax TasksMax OOMScoreAdjust Nice
    CoredumpFilter Delegate NotifyAccess SELinuxContext AppArmorProfile SmackProcessLabel Personality IgnoreSIGPIPE TimerSlackNSec
    CPUAffinity NUMAPolicy LoadCredential SetCredential StateDirectory CacheDirectory LogsDirectory RuntimeDirectory
    ConfigurationDirectory LogNamespace Environment EnvironmentFile PassEnvironment UnsetEnvironment WorkingDirectory
""".split())


class ImportSystemd(sbxtest.TestCase):
    def setUp(self):
        super().setUp()
        self.work = self.directory()
        shutil.copytree(OWN_UNITS, self.work / "units")
        for root, directories, files in os.walk(self.work / "units"):
            for name in (*directories, *files, "."):
                os.chmod(os.path.join(root, name), 0o755)
        self.own = sorted((self.work / "units").glob("*.service"))

    def imported(self, path):
        done = sbx("import", "--json", str(path))
        self.assertStatus(done, 0)
        return json.loads(done.out)

    def test_every_line_is_accounted_for(self):
        seen = set()
        for path in self.own:
            with self.subTest(unit=path.name):
                files = [path, *sorted((path.parent / (path.name + ".d")).glob("*.conf"))]
                assignments = 0
                for file in files:
                    text = file.read_text().replace("\\\n", " ")
                    lines = [line for line in text.splitlines() if "=" in line and not line.lstrip().startswith(("#", ";"))]
                    assignments += len(lines)
                findings = self.imported(path)["findings"]
                self.assertEqual(len(findings), assignments)
                for finding in findings:
                    seen.add(finding["what"].split("=")[0])
                    # What is not said to the letter has its reason.
                    self.assertTrue(finding["kind"] == "mapped" or finding["reason"], finding)
        self.assertEqual(CONFINING - seen, set())

    def test_every_unit_of_the_system(self):
        imported = 0
        for path in sorted(SYSTEM_UNITS.glob("*.service"))[::4]:
            if path.is_symlink() or path.stat().st_size == 0:
                continue
            with self.subTest(unit=path.name):
                self.assertIn("[policy]", self.imported(path)["policy"])
                imported += 1
        self.assertGreaterEqual(imported, 10)

    def test_a_drop_in_takes_back(self):
        policy = self.imported(self.work / "units" / "dropped-in.service")["policy"]
        self.assertIn("/var/lib/two", policy)
        self.assertNotIn("/var/lib/one", policy)
        self.assertIn('mode = "private"', policy)
        self.assertNotIn('"@system-service"', policy)

    def test_an_imported_filter_holds(self):
        """Real calls under it: what the unit allows is allowed, what it answers is answered."""
        unit = self.write(self.work / "held.service",
                          "[Service]\nExecStart=/usr/bin/python3\nSystemCallFilter=@system-service\n"
                          "SystemCallFilter=~mkdir:13 mkdirat:13\nSystemCallErrorNumber=1\nIPAddressDeny=any\nPrivateTmp=yes\n")
        policy = self.work / "held.toml"
        self.assertStatus(sbx("import", "-q", "-o", str(policy), str(unit)), 0)
        script = ("import os\n"
                  "try: os.mkdir('/tmp/x')\nexcept OSError as e: print('mkdir', e.errno)\n"
                  "open('/tmp/y', 'w').close(); print('open ok')\n"
                  "print('net', os.readlink('/proc/self/ns/net'))\n")
        done = sbx("run", "-q", "-p", str(policy), "--", "/usr/bin/python3", "-c", script)
        self.assertIn("mkdir 13", done.out, done)
        self.assertIn("open ok", done.out, done)
        self.assertIn("net net:[", done.out, done)
        self.assertNotIn(os.readlink("/proc/self/ns/net"), done.out)


if __name__ == "__main__":
    sbxtest.main()
