"""A system bus of a test's own, with made-up NetworkManager and UPower."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import dbus
import dbus.bus
from harness import wait_until

NM = "org.freedesktop.NetworkManager"
UPOWER = "org.freedesktop.UPower"
MOCK = "org.freedesktop.DBus.Mock"

CONFIG = """<busconfig><listen>{address}</listen>
<policy context="default"><allow send_destination="*" eavesdrop="true"/>
<allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
"""


class SystemBus:
    """Nothing of it touches the bus of this machine."""

    def __init__(self, folder: Path):
        self.address = f"unix:path={folder / 'bus'}"
        self.socket = folder / "bus"
        self.programs = []
        config = folder / "bus.conf"
        config.write_text(CONFIG.format(address=self.address))
        self._run("dbus-daemon", "--nofork", f"--config-file={config}")
        wait_until(self._listens, 5, "the bus listens")
        self.bus = dbus.bus.BusConnection(self.address)

    def _listens(self) -> bool:
        """The socket is there a moment before it does."""
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket)) == 0

    def _run(self, *words) -> None:
        env = dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=self.address)
        self.programs.append(subprocess.Popen(
            words, env=env, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL))

    def start(self, template: str, name: str) -> None:
        """A service that acts as one of python-dbusmock's templates."""
        self._run(sys.executable, "-m", "dbusmock", "--system", "--template",
                  template)
        wait_until(lambda: self.bus.name_has_owner(name), 5, f"{name} is there")

    def mock(self, name: str):
        path = "/" + name.replace(".", "/")
        return dbus.Interface(self.bus.get_object(name, path), MOCK)

    def start_network_manager(self, metered: int) -> None:
        self.start("networkmanager", NM)
        self.mock(NM).AddProperty(NM, "Metered", dbus.UInt32(metered))

    def set_metered(self, metered: int) -> None:
        self.mock(NM).UpdateProperties(NM, {"Metered": dbus.UInt32(metered)})

    def start_upower(self) -> None:
        self.start("upower", UPOWER)

    def set_power(self, on_battery: bool, percent: float) -> None:
        """On battery it is discharged, else charged."""
        mock = self.mock(UPOWER)
        mock.SetupDisplayDevice(
            2, 2 if on_battery else 1, percent, 10.0, 50.0, 1.0,
            dbus.Int64(0), dbus.Int64(0), True, "", 1)
        mock.UpdateProperties(UPOWER, {"OnBattery": on_battery})

    def stop(self) -> None:
        self.bus.close()
        for program in reversed(self.programs):
            program.kill()
            program.wait()
