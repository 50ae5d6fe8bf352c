"""The emulator of AWS (ministack) as a process of its own, on the loopback only, with IAM evaluated."""

import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

import boto3
from botocore.config import Config

REGION = "eu-central-1"
ACCOUNT = "123456789012"
# Of the account's root: only the functions are to be held by IAM.
ROOT = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
START_WITHIN = 60
STOP_WITHIN = 10


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Emulator:
    """Runs between `with` and the end of its block."""

    def __init__(self, python, folder):
        self.python, self.folder = python, pathlib.Path(folder)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = self.folder / "emulator.log"

    def environment(self):
        """What a client of this emulator has set, and nothing of the user's own account."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        nowhere = str(self.folder / "none")
        return own | ROOT | {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": nowhere,
            "AWS_SHARED_CREDENTIALS_FILE": nowhere,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }

    def __enter__(self):
        temporary = self.folder / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        settings = {
            "AUTH": "true",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            # These would listen on every address of the machine.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_REGION": REGION,
            "S3_DATA_DIR": str(self.folder / "s3"),
            "TMPDIR": str(temporary),
        }
        # The functions get the environment of the emulator: an endpoint that is set would be theirs.
        environment = self.environment() | settings
        with self.log.open("wb") as log:
            # A group of its own, with the functions in it.
            self.process = subprocess.Popen(
                [self.python, "-m", "ministack"],
                env=environment, cwd=self.folder, stdout=log, stderr=log, start_new_session=True,
            )
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _wait(self):
        until = time.monotonic() + START_WITHIN
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            try:
                urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=5).read()
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise RuntimeError(f"the emulator does not start, see {self.log}")

    def __exit__(self, *_):
        for how in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, how)
                self.process.wait(STOP_WITHIN)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                pass

    def client(self, service, **credentials):
        """A client of a service, with the rights of the account unless there are other credentials."""
        credentials = credentials or {
            "aws_access_key_id": ROOT["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": ROOT["AWS_SECRET_ACCESS_KEY"],
        }
        config = Config(retries={"total_max_attempts": 1}, proxies={})
        return boto3.client(service, endpoint_url=self.url, region_name=REGION, config=config, **credentials)
