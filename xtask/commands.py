"""Whether every `aws` and `sam` command in the documents exists, with its options and what it must be given.

Asked of the service models of botocore and of the SAM CLI itself, so it runs with the Python of the SAM CLI; no account
and no network is needed.
"""

import importlib
import pathlib
import re
import shlex
import sys

import botocore.session
import jmespath
from botocore import xform_name
from click import BadParameter
from samcli.cli.main import cli as sam_cli
from samcli.cli.types import CfnParameterOverridesType

# Options of the AWS CLI itself.
GLOBAL = {
    "--query", "--output", "--region", "--profile", "--endpoint-url", "--cli-input-json", "--cli-binary-format",
}
# What separates one command from the next, or begins one inside another.
BETWEEN = re.compile(r"[|;&()`]+|\$\(")


def shell_blocks(text):
    """The commands for a shell, with continued lines as one."""
    for block in re.findall(r"^ *```(?:sh|bash)\n(.*?)^ *```", text, re.M | re.S):
        yield block.replace("\\\n", " ")


def lines(block):
    """The lines of a block. A line continues until its quote is closed."""
    line = ""
    for part in block.splitlines():
        line = f"{line}\n{part}" if line else part
        if line.count("'") % 2 == 0:
            yield line
            line = ""


def commands(line):
    """Each `aws` or `sam` command of a line, as words."""
    line = re.sub(r"<[^<>\s]+>|\$\([^()]*\)", "PLACEHOLDER", line)
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|;&()")
    lexer.whitespace_split = True
    words = []
    for word in [*lexer, ";"]:
        if BETWEEN.fullmatch(word) or word == "$":
            if words and words[0] in ("aws", "sam"):
                yield words
            words = []
        elif words or "=" not in word:
            words.append(word)


def options(words):
    """Option to its values."""
    found, option = {}, None
    for word in words:
        if word.startswith("--"):
            option, _, value = word.partition("=")
            found[option] = [value] if value else []
        elif option:
            found[option].append(word)
    return found


def fields(shape):
    """Members of a structure, or of the structures in a list; nothing where names are free."""
    if shape.type_name == "list":
        shape = shape.member
    return shape.members if shape.type_name == "structure" else None


class Aws:
    def __init__(self):
        self.session = botocore.session.get_session()

    def check(self, words):
        service, operation, rest = words[1], words[2], words[3:]
        model = self.session.get_service_model(service)
        if operation == "wait":
            operation, rest = self.waited_for(service, rest[0]), rest[1:]
        else:
            names = {xform_name(name, "-"): name for name in model.operation_names}
            if operation not in names:
                raise ValueError(f"{service} has no operation {operation}")
            operation = names[operation]
        shape = model.operation_model(operation)
        if shape.has_streaming_output:
            rest = self.without_file(operation, rest)
        given = options(rest)
        members = shape.input_shape.members if shape.input_shape else {}
        known = {"--" + xform_name(name, "-"): name for name in members}
        for option, values in given.items():
            plain = "--" + option.removeprefix("--no-")
            name = known.get(option) or known.get(plain)
            if not name and option not in GLOBAL:
                raise ValueError(f"{operation} has no option {option}")
            if name:
                self.shorthand(operation, option, members[name], values)
        required = set(shape.input_shape.required_members if shape.input_shape else [])
        missing = required - {known.get(option) for option in given}
        if missing and "--cli-input-json" not in given:
            raise ValueError(f"{operation} is not given {', '.join(sorted(missing))}")
        for query in given.get("--query", []):
            self.query(operation, query, shape.output_shape)

    @staticmethod
    def without_file(operation, words):
        """The options, without the file that the answer goes into, which comes last."""
        if len(words) < 2 or any(word.startswith("--") for word in words[-2:]):
            raise ValueError(f"{operation} is not told which file its answer goes into")
        return words[:-1]

    def waited_for(self, service, waiter):
        model = self.session.get_waiter_model(service)
        names = {xform_name(name, "-"): name for name in model.waiter_names}
        return model.get_waiter(names[waiter]).operation

    @staticmethod
    def shorthand(operation, option, shape, values):
        names = fields(shape)
        for value in values:
            pairs = re.findall(r"(?:^|,)([A-Za-z]+)=", value)
            wrong = [name for name in pairs if names is not None and name not in names]
            if wrong:
                raise ValueError(f"{operation} {option} has no {', '.join(wrong)}")

    @staticmethod
    def query(operation, query, shape):
        jmespath.compile(query)
        first = re.match(r"[A-Za-z]+", query)
        if first and first.group() not in shape.members:
            raise ValueError(f"the answer of {operation} has no {first.group()}")

    def input_of_jq(self, block):
        """The object that a `jq` makes for `--cli-input-json` has only what the operation takes."""
        made = re.search(r"\{(UserPoolId: .*?)\}\n", block, re.S)
        keys = [part.split(":")[0].strip() for part in made.group(1).split(",")]
        model = self.session.get_service_model("cognito-idp").operation_model("UpdateUserPool")
        wrong = set(keys) ^ set(model.input_shape.members)
        if wrong:
            raise ValueError(f"UpdateUserPool and the object that jq makes differ in {', '.join(sorted(wrong))}")


def check_sam(words):
    # The attribute that the program itself looks its commands up in; it imports none before it runs.
    modules = sam_cli._commands
    if words[1] not in modules:
        raise ValueError(f"there is no command {words[1]}")
    module, rest = modules[words[1]], words[2:]
    if words[1] == "local":
        module, rest = f"{module.removesuffix('.local')}.{rest[0].replace('-', '_')}.cli", rest[1:]
    command = importlib.import_module(module).cli
    known = {option for parameter in command.params for option in parameter.opts + parameter.secondary_opts}
    given = options(rest)
    wrong = set(given) - known
    if wrong:
        raise ValueError(f"no option {', '.join(sorted(wrong))}")
    for override in given.get("--parameter-overrides", []):
        check_override(override)


def check_override(override):
    """Whether SAM takes the value of a parameter whole: it cuts one at a blank or quote, unless quotes are around all."""
    name, _, meant = override.partition("=")
    if meant[:1] in ("'", '"') and meant[:1] == meant[-1:]:
        meant = meant[1:-1].replace('\\"', '"')
    read = CfnParameterOverridesType().convert((override,), None, None)
    if read != {name: meant}:
        raise ValueError(f"SAM takes {override} for {read}")


def main():
    aws, checked, wrong = Aws(), 0, []
    documents = [pathlib.Path("README.md"), pathlib.Path("samconfig.toml")]
    for folder in ("docs", "events"):
        documents += sorted(pathlib.Path(folder).rglob("*.md"))
    for document in documents:
        text = document.read_text()
        if document.suffix == ".toml":
            text = "```sh\n" + "".join(re.findall(r"^#   (.*\n)", text, re.M)) + "```\n"
        for block in shell_blocks(text):
            found = [words for line in lines(block) for words in commands(line)]
            for words in found:
                checked += 1
                try:
                    (aws.check if words[0] == "aws" else check_sam)(words)
                except (BadParameter, ImportError, IndexError, KeyError, ValueError) as error:
                    wrong.append(f"{document}: {' '.join(words)}\n    {error!r}")
            if "--cli-input-json" in block and "jq" in block:
                try:
                    aws.input_of_jq(block)
                except ValueError as error:
                    wrong.append(f"{document}: {error}")
    print("\n".join(wrong) or f"{checked} commands, all of them as they should be")
    if wrong or checked < 20:
        sys.exit(1)


main()
