"""What the emulator lacks of the template, each with what stands in for it before the deployment: see `gaps`."""

import json

from botocore.exceptions import ClientError

from gaps import still
from people import claims


def stack_fails(emulator, name, resources, outputs=None):
    """Whether a stack of these resources cannot be made."""
    client = emulator.client("cloudformation")
    template = {"Resources": resources}
    if outputs:
        template["Outputs"] = {"It": {"Value": outputs}}
    try:
        client.create_stack(StackName=name, TemplateBody=json.dumps(template))
        client.get_waiter("stack_create_complete").wait(
            StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20}
        )
    except Exception as error:  # a refusal, or a waiter that has seen it fail
        return str(error)
    told = client.describe_stacks(StackName=name)["Stacks"][0]
    value = told.get("Outputs", [{}])[0].get("OutputValue", "")
    if outputs and not value.startswith("https://"):
        return f"the output is {value!r}"
    client.delete_stack(StackName=name)
    return None


def without(value, is_unwanted):
    """The value without the members of objects that are unwanted."""
    if isinstance(value, dict):
        return {k: without(v, is_unwanted) for k, v in value.items() if not is_unwanted(k, v)}
    if isinstance(value, list):
        return [without(item, is_unwanted) for item in value]
    return value


def replaced(value, change):
    """The value with each of its parts as `change` leaves it, inner parts first."""
    if isinstance(value, dict):
        value = {name: replaced(member, change) for name, member in value.items()}
    elif isinstance(value, list):
        value = [replaced(item, change) for item in value]
    return change(value)


class Branding:
    """AWS::Cognito::ManagedLoginBranding is not known. Left out: the sign-in page has a style of its own."""

    @staticmethod
    def fill(template, _):
        return {**template, "Resources": {
            name: resource for name, resource in template["Resources"].items()
            if resource["Type"] != "AWS::Cognito::ManagedLoginBranding"
        }}

    @staticmethod
    def is_there(emulator):
        return stack_fails(emulator, "gap-branding", {
            "Pool": {"Type": "AWS::Cognito::UserPool"},
            "Branding": {
                "Type": "AWS::Cognito::ManagedLoginBranding",
                "Properties": {"UserPoolId": {"Ref": "Pool"}, "UseCognitoProvidedValues": True},
            },
        })


class ProviderUrl:
    """GetAtt of a user pool's ProviderURL gives no URL. Written from the pool's id."""

    URL = {"Fn::Sub": "https://cognito-idp.${AWS::Region}.${AWS::URLSuffix}/${Pool}"}

    @classmethod
    def fill(cls, value, _):
        return replaced(value, lambda part: cls.URL if part == {"Fn::GetAtt": ["Pool", "ProviderURL"]} else part)

    @staticmethod
    def is_there(emulator):
        pool = {"Pool": {"Type": "AWS::Cognito::UserPool"}}
        return stack_fails(emulator, "gap-provider-url", pool, {"Fn::GetAtt": ["Pool", "ProviderURL"]})


class MetricMath:
    """Alarms on metric math are refused. The deployment is without alarms and dashboard."""

    PARAMETERS = {"AlarmsAndDashboard": "false"}

    @staticmethod
    def is_there(emulator):
        metric = {"Namespace": "AWS/Lambda", "MetricName": "Errors"}
        return stack_fails(emulator, "gap-metric-math", {"Alarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1, "Threshold": 1,
                "Metrics": [
                    {"Id": "sum", "Expression": "errors * 2"},
                    {"Id": "errors", "ReturnData": False,
                     "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}},
                ],
            },
        }})


class LeadingKeys:
    """IAM does not know dynamodb:LeadingKeys: every call under that condition is denied. The condition is left
    out of what is allowed, and what is denied under it is left out; the local stack and the tests of the template
    check both."""

    @staticmethod
    def fill(template, _):
        def is_denial(statement):
            return isinstance(statement, dict) and statement.get("Effect") == "Deny" \
                and "LeadingKeys" in json.dumps(statement)

        def allowed(value):
            if isinstance(value, dict):
                return {name: allowed(member) for name, member in value.items()}
            if isinstance(value, list):
                return [allowed(item) for item in value if not is_denial(item)]
            return value

        is_condition = lambda name, value: name == "Condition" and "LeadingKeys" in json.dumps(value)
        return without(allowed(template), is_condition)

    @staticmethod
    def is_there(emulator):
        dynamodb, iam = emulator.client("dynamodb"), emulator.client("iam")
        dynamodb.create_table(
            TableName="gap-leading-keys", BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        )
        iam.create_user(UserName="gap-leading-keys")
        policy = {"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*",
            "Condition": {
                "ForAllValues:StringLike": {"dynamodb:LeadingKeys": "TENANT#*"},
                "Null": {"dynamodb:LeadingKeys": "false"},
            },
        }]}
        iam.put_user_policy(
            UserName="gap-leading-keys", PolicyName="keys", PolicyDocument=json.dumps(policy)
        )
        key = iam.create_access_key(UserName="gap-leading-keys")["AccessKey"]
        caller = emulator.client(
            "dynamodb", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
        )
        try:
            caller.get_item(TableName="gap-leading-keys", Key={"pk": {"S": "TENANT#acme"}})
        except ClientError as error:
            return str(error)
        return None


class QueueBatch:
    """IAM asks for the action sqs:SendMessageBatch, which AWS does not have: there the right to send a message covers a
    batch. The action is added to the policies that have the other."""

    @staticmethod
    def fill(value, _):
        def widened(part):
            if isinstance(part, dict) and "sqs:SendMessage" in (part.get("Action") or []):
                return {**part, "Action": [*part["Action"], "sqs:SendMessageBatch"]}
            return part

        return replaced(value, widened)

    @staticmethod
    def is_there(emulator):
        iam = emulator.client("iam")
        queue = emulator.client("sqs").create_queue(QueueName="gap-batch")["QueueUrl"]
        iam.create_user(UserName="gap-batch")
        statement = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        iam.put_user_policy(UserName="gap-batch", PolicyName="send", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName="gap-batch")["AccessKey"]
        caller = emulator.client(
            "sqs", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
        )
        caller.send_message(QueueUrl=queue, MessageBody="one")
        try:
            caller.send_message_batch(QueueUrl=queue, Entries=[{"Id": "1", "MessageBody": "two"}])
        except ClientError as error:
            return str(error)
        return None


class SecretRef:
    """Ref of a secret is its name, on AWS its ARN. The attribute Id is the ARN in both."""

    @staticmethod
    def fill(value, _):
        by_id = {"Fn::GetAtt": ["InvitationSecret", "Id"]}
        return replaced(value, lambda part: by_id if part == {"Ref": "InvitationSecret"} else part)

    @staticmethod
    def is_there(emulator):
        client = emulator.client("cloudformation")
        secret = {"Type": "AWS::SecretsManager::Secret", "Properties": {"GenerateSecretString": {}}}
        template = {"Resources": {"Secret": secret}, "Outputs": {"It": {"Value": {"Ref": "Secret"}}}}
        client.create_stack(StackName="gap-secret", TemplateBody=json.dumps(template))
        client.get_waiter("stack_create_complete").wait(
            StackName="gap-secret", WaiterConfig={"Delay": 1, "MaxAttempts": 20}
        )
        value = client.describe_stacks(StackName="gap-secret")["Stacks"][0]["Outputs"][0]["OutputValue"]
        client.delete_stack(StackName="gap-secret")
        return None if value.startswith("arn:") else f"the Ref is {value!r}"


class SendEmail:
    """IAM asks for ses:SendEmail on all resources, and does not know ses:FromAddress: no policy that names the sender
    allows a mail. The resource is widened, and the condition left out; the tests of the template check both."""

    @staticmethod
    def fill(value, _):
        def widened(part):
            if isinstance(part, dict) and part.get("Action") == ["ses:SendEmail"]:
                return {"Effect": "Allow", "Action": ["ses:SendEmail"], "Resource": "*"}
            return part

        return replaced(value, widened)

    @staticmethod
    def is_there(emulator):
        address, iam = "gap@acme.example", emulator.client("iam")
        emulator.client("sesv2").create_email_identity(EmailIdentity=address)
        iam.create_user(UserName="gap-send-email")
        policy = {"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "ses:SendEmail", "Resource": "arn:aws:ses:*:*:identity/*",
            "Condition": {"StringEqualsIgnoreCase": {"ses:FromAddress": address}},
        }]}
        iam.put_user_policy(UserName="gap-send-email", PolicyName="sender", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName="gap-send-email")["AccessKey"]
        sender = emulator.client(
            "sesv2", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
        )
        try:
            sender.send_email(
                FromEmailAddress=address, Destination={"ToAddresses": [address]},
                Content={"Simple": {"Subject": {"Data": "gap"}, "Body": {"Text": {"Data": "gap"}}}},
            )
        except ClientError as error:
            return str(error)
        return None


class PreTokenVersion:
    """What version 1 of the trigger answers is not applied if it is set in PreTokenGenerationConfig. With the plan
    LITE it is set in PreTokenGeneration, which is always of version 1."""

    @staticmethod
    def fill(template, _):
        triggers = template["Resources"]["Pool"]["Properties"]["LambdaConfig"]
        config, nothing = triggers["PreTokenGenerationConfig"], {"Ref": "AWS::NoValue"}
        # Of a release without a choice of the tier.
        if config["LambdaVersion"] == "V2_0":
            return template
        condition, first, second = config["LambdaVersion"]["Fn::If"]
        assert (first, second) == ("V1_0", "V2_0"), config
        triggers["PreTokenGeneration"] = {"Fn::If": [condition, config["LambdaArn"], nothing]}
        second = {**config, "LambdaVersion": second}
        triggers["PreTokenGenerationConfig"] = {"Fn::If": [condition, nothing, second]}
        return template

    @staticmethod
    def is_there(person):
        """For a person whose pool has the trigger in version 1."""
        person.sign_in()
        return None if "tenant_id" in claims(person.tokens["id_token"]) else "the ID token has no claims"


OF_TEMPLATE = [Branding, ProviderUrl, LeadingKeys, PreTokenVersion, QueueBatch, SecretRef, SendEmail]


def check(emulator):
    """Fails when a gap is closed that needs no deployment to see it."""
    for gap in (Branding, ProviderUrl, LeadingKeys, MetricMath, QueueBatch, SecretRef, SendEmail):
        still(gap, gap.is_there(emulator))
