"""The template with binaries of this machine, uploaded with `sam package` and deployed with `sam deploy`."""

import json
import pathlib
import platform
import shutil
import subprocess

from samcli.yamlhelper import yaml_dump, yaml_parse

import gaps
import template_gaps
from emulator import REGION

ARCHITECTURES = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}


def package(template, binaries, folder, emulator, sam, wrap=None):
    """Writes the template as `sam build` would, with these binaries and without what the emulator lacks, and
    uploads the functions once, which `sam deploy` would do for each deployment.

    With `wrap`, the function is called `function`, and `wrap` starts it.
    """
    built = yaml_parse(pathlib.Path(template).read_text())
    of_all = built["Globals"]["Function"]
    of_all["Architectures"] = [ARCHITECTURES[platform.machine()]]
    del of_all["CodeUri"]
    shutil.rmtree(folder, ignore_errors=True)
    for name, resource in built["Resources"].items():
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        binary = resource.pop("Metadata")["BuildProperties"]["Binary"]
        code = folder / name
        code.mkdir(parents=True)
        # Without symbols it is a third in size.
        own = code / ("function" if wrap else "bootstrap")
        subprocess.run(["strip", str(pathlib.Path(binaries) / binary), "-o", str(own)], check=True)
        if wrap:
            shutil.copy(wrap, code / "bootstrap")
        resource["Properties"]["CodeUri"] = name
    for gap in template_gaps.OF_TEMPLATE:
        built = gap.fill(built, emulator)
    (folder / "template.yaml").write_text(yaml_dump(built))
    packaged = folder / "packaged.yaml"
    run_sam(
        emulator, "package", sam, "package", "--template-file", folder / "template.yaml", "--region", REGION,
        "--resolve-s3", "--no-progressbar", "--output-template-file", packaged,
    )
    return packaged


def run_sam(emulator, name, *command):
    """Runs a command of the SAM CLI, whose output is in `<name>.log`."""
    log = emulator.folder / f"{name}.log"
    with log.open("ab") as output:
        ran = subprocess.run(
            command,
            # Away from samconfig.toml, which asks before it deploys.
            cwd=emulator.folder, env=emulator.environment() | {"SAM_CLI_TELEMETRY": "0"},
            stdout=output, stderr=output, stdin=subprocess.DEVNULL,
        )
    if ran.returncode != 0:
        end = log.read_text().splitlines()[-30:]
        raise RuntimeError("\n".join([f"sam failed, see {log}", *end]))


class Stack:
    """A deployed stack."""

    def __init__(self, emulator, sam, template, name, parameters):
        self.emulator, self.name, self.sam, self.template = emulator, name, sam, template
        self.deploy(template_gaps.MetricMath.PARAMETERS | parameters)

    def deploy(self, parameters):
        """Makes the stack or updates it; parameters that are not named keep their value."""
        emulator, name = self.emulator, self.name
        overrides = [f"{key}={value}" if value else f'{key}=""' for key, value in parameters.items()]
        if overrides:
            overrides.insert(0, "--parameter-overrides")
        run_sam(
            emulator, f"deploy-{name}", self.sam, "deploy", "--template-file", self.template, "--stack-name", name,
            "--region", REGION, "--resolve-s3", "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset",
            "--no-progressbar", *overrides,
        )
        self.client = emulator.client("cloudformation")
        told = self.client.describe_stacks(StackName=name)["Stacks"][0]
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in told["Outputs"]}
        self.resources = {
            resource["LogicalResourceId"]: resource["PhysicalResourceId"]
            for page in self.client.get_paginator("list_stack_resources").paginate(StackName=name)
            for resource in page["StackResourceSummaries"]
        }
        self.api = self.resources["HttpApi"]
        self.issuer = self.outputs["Issuer"]
        self.parameters = {it["ParameterKey"]: it["ParameterValue"] for it in told["Parameters"]}
        self.audience = [self.parameters["JwtAudience"] or self.outputs["UserPoolClientId"]]
        self.audience += [self.outputs[name] for name in ("MachineClientId",) if name in self.outputs]

    def update(self, template):
        """Deploys another template over the stack, with the parameters as they are."""
        self.template = template
        self.deploy({})
        gaps.OpenApiBody.fill(self.emulator, self)

    def delete(self):
        """Deletes the stack."""
        run_sam(
            self.emulator, f"deploy-{self.name}",
            self.sam, "delete", "--stack-name", self.name, "--region", REGION, "--no-prompts",
        )

    def processed(self):
        """The template as the transform has left it."""
        body = self.client.get_template(StackName=self.name, TemplateStage="Processed")["TemplateBody"]
        return body if isinstance(body, dict) else json.loads(body)

    def arn(self, function):
        name = self.resources[function]
        told = self.emulator.client("lambda").get_function(FunctionName=name)
        return told["Configuration"]["FunctionArn"]

    def restart(self, function):
        """Restarts a function. A warm trigger notices the first domain or directory of a tenant after a minute."""
        client = self.emulator.client("lambda")
        name = self.resources[function]
        size = client.get_function_configuration(FunctionName=name)["MemorySize"]
        # The emulator stops a function that changes, as AWS does.
        client.update_function_configuration(FunctionName=name, MemorySize=size)
        client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
