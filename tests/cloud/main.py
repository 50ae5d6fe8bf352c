"""Deploys the template into an emulator of AWS, with a new user pool and with an existing one, and goes through
a story in each. `cargo xtask cloud` runs it, with the Python of the SAM CLI."""

import argparse
import contextlib
import functools
import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request

import gaps
import template_gaps
from emulator import ACCOUNT, REGION, Emulator
from people import CALLBACK, Person
from receiver import receiver
from resolver import resolver
from stack import Stack, package
from story import Story
from upgrade import Upgrade

DIRECTORY = json.loads(pathlib.Path("local/directory.sample.json").read_text())["application"]

INVITATION_FROM = "no-reply@acme.example"
DOMAIN_NAME = "api.acme.example"


@contextlib.contextmanager
def entra(program):
    """The directory of the local stack, which plays Entra: its address."""
    command = [program, "--port", "0", "--dynamodb-port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        for line in process.stdout:
            if told := re.search(r"Muster at (http://\S+)", line):
                break
        else:
            raise RuntimeError("the local stack does not start")
        yield told[1]
    finally:
        process.terminate()
        process.wait()


class Groups:
    """The groups of the second tenant of that directory."""

    def __init__(self, address):
        self.url = f"{address}/_local/entra/directory"
        with urllib.request.urlopen(self.url) as answer:
            self.first = json.loads(answer.read())

    def leave(self, group, user):
        changed = json.loads(json.dumps(self.first))
        for one in changed["other_tenants"][0]["groups"]:
            if one["id"] == group:
                one["members"].remove(user)
        self.put(changed)

    def restore(self):
        self.put(self.first)

    def put(self, directory):
        request = urllib.request.Request(self.url, json.dumps(directory).encode(), method="PUT")
        with urllib.request.urlopen(request) as answer:
            assert answer.status < 300, answer.status


def of_entra(emulator, address):
    """Parameters of the login sync. Its secret is in Secrets Manager."""
    secret = emulator.client("secretsmanager").create_secret(
        Name="entra", SecretString=DIRECTORY["client_secret"]
    )
    return {
        "MicrosoftClientId": DIRECTORY["client_id"],
        "MicrosoftTenant": DIRECTORY["tenant"],
        "MicrosoftClientSecretArn": secret["ARN"],
        "MicrosoftServicePrincipalId": DIRECTORY["service_principal_id"],
        "MicrosoftGraphEndpoint": f"{address}/_local/entra/v1.0",
        "MicrosoftTokenEndpoint": f"{address}/_local/entra/{{tenant}}/oauth2/v2.0/token",
        "EntraGroupsAlsoCreateOrgs": "true",
    }


def of_invitations(emulator, dns):
    """Parameters for the mails of invitations, whose sender SES knows, and for the look-up of domains."""
    emulator.client("sesv2").create_email_identity(EmailIdentity=INVITATION_FROM)
    return {
        "InvitationFrom": INVITATION_FROM,
        "InvitationUrl": "https://app.acme.example/join",
        "DomainResolvers": dns.address,
    }


def client_of(emulator, pool, name):
    """A client of a pool like that of the template."""
    made = emulator.client("cognito-idp").create_user_pool_client(
        UserPoolId=pool, ClientName=name, CallbackURLs=[CALLBACK], AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["code"], AllowedOAuthScopes=["openid", "email", "profile"],
        SupportedIdentityProviders=["COGNITO"],
    )
    return made["UserPoolClient"]["ClientId"]


def existing_pool(emulator):
    """A user pool that the operator has already, as the README asks for: its id."""
    cognito = emulator.client("cognito-idp")
    attribute = {"AttributeDataType": "String", "Mutable": True}
    pool = cognito.create_user_pool(
        PoolName="existing", UsernameAttributes=["email"], AutoVerifiedAttributes=["email"],
        Schema=[{"Name": name, **attribute} for name in ("tenant_id", "entra_object_id")],
    )["UserPool"]["Id"]
    cognito.create_group(UserPoolId=pool, GroupName="tenant-admins")
    cognito.create_user_pool_domain(UserPoolId=pool, Domain="existing-of-acme")
    return pool


def domain_name(emulator):
    """Parameters for a domain name of the operator's own, with its certificate and its hosted zone."""
    certificate = emulator.client("acm").request_certificate(DomainName=DOMAIN_NAME, ValidationMethod="DNS")
    zone = emulator.client("route53").create_hosted_zone(Name="acme.example", CallerReference="acme")
    return {
        "ApiDomainName": DOMAIN_NAME,
        "ApiCertificateArn": certificate["CertificateArn"],
        "ApiHostedZoneId": zone["HostedZone"]["Id"].removeprefix("/hostedzone/"),
    }


def with_new_pool(emulator, sam, template, parameters, dns, groups, hooks):
    stack = Stack(emulator, sam, template, "muster-new", parameters | {"MachineClient": "true"})
    gaps.still(gaps.OpenApiBody, gaps.OpenApiBody.is_there(emulator, stack))
    functions = gaps.OpenApiBody.fill(emulator, stack)
    pool, client = stack.outputs["UserPoolId"], stack.outputs["UserPoolClientId"]
    processed = stack.processed()
    resources, size = len(processed["Resources"]), len(json.dumps(processed))
    print(f"  {functions} functions behind routes, {resources} resources, {size // 1024} KB of processed template")
    # CloudFormation takes 500 and 1 MB.
    assert resources <= 425 and size <= 850 * 1024, "divide the stack"
    story = Story(stack, pool, client, client_of(emulator, pool, "other"), dns, groups, hooks)
    steps = story.run() + story.run_as_machine(stack.outputs["MachineClientId"])
    stack.deploy({"UserPoolTier": "LITE"})
    return steps + story.run_on_lite()


def set_triggers(stack, pool, version):
    stack.emulator.client("cognito-idp").update_user_pool(UserPoolId=pool, LambdaConfig={
        "PostConfirmation": stack.outputs["PostLoginArn"],
        "PostAuthentication": stack.outputs["PostLoginArn"],
        "PreTokenGenerationConfig": {"LambdaArn": stack.outputs["PreTokenArn"], "LambdaVersion": version},
    })


def with_existing_pool(emulator, sam, template, parameters):
    pool = existing_pool(emulator)
    client = client_of(emulator, pool, "muster")
    arn = f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/{pool}"
    stack = Stack(emulator, sam, template, "muster-existing", parameters | domain_name(emulator) | {
        "UserPool": "existing", "UserPoolArn": arn, "JwtAudience": client,
        "JwtIssuer": f"https://cognito-idp.{REGION}.amazonaws.com/{pool}",
    })
    gaps.OpenApiBody.fill(emulator, stack)
    # What the operator does with the outputs.
    set_triggers(stack, pool, "V1_0")
    probe = Person(stack, pool, client, "probe@acme.example", {"custom:tenant_id": "acme"})
    gaps.still(template_gaps.PreTokenVersion, template_gaps.PreTokenVersion.is_there(probe))
    set_triggers(stack, pool, "V2_0")
    story = Story(stack, pool, client, client_of(emulator, pool, "other"))
    return story.run() + story.run_on_domain_name(DOMAIN_NAME)


def with_upgrade(emulator, sam, template, parameters, earlier):
    """The last release, this one over it, and back."""
    for gap in (gaps.EarlierFunctions, gaps.PoolProtection):
        gaps.still(gap, gap.is_there(emulator))
    before = package(
        earlier / "source/template.yaml", earlier / "bin", emulator.folder / "earlier", emulator, sam,
        wrap=gaps.EarlierFunctions.WRAP,
    )
    stack = Stack(emulator, sam, before, "muster", parameters)
    gaps.OpenApiBody.fill(emulator, stack)
    return Upgrade(stack, client_of(emulator, stack.outputs["UserPoolId"], "other")).run(before, template)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ministack", required=True, help="the Python that has the emulator")
    parser.add_argument("--sam", required=True, help="the SAM CLI")
    parser.add_argument("--binaries", required=True, help="the folder with the functions and the local stack")
    parser.add_argument("--folder", required=True, type=pathlib.Path, help="where to work")
    parser.add_argument("--earlier", type=pathlib.Path, help="an earlier release, to upgrade from: source/ and bin/")
    options = parser.parse_args()
    shutil.rmtree(options.folder, ignore_errors=True)
    options.folder.mkdir(parents=True)
    started = time.monotonic()
    # So that the emulator is stopped then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))

    def took(what):
        print(f"{what} ({time.monotonic() - started:.0f} s)", flush=True)

    local = pathlib.Path(options.binaries) / "muster-local"
    with (
        entra(local) as address, resolver() as dns, receiver() as hooks,
        Emulator(options.ministack, options.folder) as emulator,
    ):
        took("The emulator runs")
        template_gaps.check(emulator)
        template = package(
            "template.yaml", options.binaries, options.folder / "build", emulator, options.sam,
        )
        took("The template is packaged")
        parameters = of_entra(emulator, address)
        runs = [functools.partial(with_new_pool, dns=dns, groups=Groups(address), hooks=hooks), with_existing_pool]
        if options.earlier:
            # Which does not know the parameters of invitations.
            runs = [functools.partial(with_upgrade, earlier=options.earlier.absolute())]
        else:
            parameters |= of_invitations(emulator, dns)
        steps = 0
        for run in runs:
            print(getattr(run, "func", run).__name__, flush=True)
            steps += run(emulator, options.sam, template, parameters)
            took("  done")
    # A gigabyte of functions, in several copies. What was logged stays, and after a failure all of it.
    for large in ("build", "earlier", "s3", "tmp"):
        shutil.rmtree(options.folder / large, ignore_errors=True)
    print(f"{steps} steps passed")


if __name__ == "__main__":
    sys.exit(main())
