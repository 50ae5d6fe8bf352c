"""What the emulator lacks, each with what stands in for it and a check that shows when the emulator has it.

Those of the deployment are here and are filled after it; those of the template are in `template_gaps` and are filled
before. When a check finds a gap closed the run fails: then the gap is to be removed, and the deployment is the more like
AWS.
"""

import io
import json
import pathlib
import zipfile

from botocore.exceptions import ClientError

from people import send


class OpenApiBody:
    """The OpenAPI document of an HTTP API is not imported. Authorizer, integrations and routes are made from it."""

    @staticmethod
    def is_there(emulator, stack):
        routes = emulator.client("apigatewayv2").get_routes(ApiId=stack.api)["Items"]
        return None if routes else "no routes"

    @staticmethod
    def fill(emulator, stack):
        client = emulator.client("apigatewayv2")
        OpenApiBody.clear(client, stack.api)
        body = stack.processed()["Resources"]["HttpApi"]["Properties"]["Body"]
        scheme = body["components"]["securitySchemes"]["Jwt"]["x-amazon-apigateway-authorizer"]
        authorizer = client.create_authorizer(
            ApiId=stack.api, Name="Jwt", AuthorizerType="JWT",
            IdentitySource=[scheme["identitySource"]],
            JwtConfiguration={"Issuer": stack.issuer, "Audience": stack.audience},
        )["AuthorizerId"]
        integrations = {}
        for path, operations in body["paths"].items():
            for method, operation in operations.items():
                function = function_of(operation["x-amazon-apigateway-integration"])
                if function not in integrations:
                    integration = client.create_integration(
                        ApiId=stack.api, IntegrationType="AWS_PROXY", PayloadFormatVersion="2.0",
                        IntegrationUri=stack.arn(function),
                    )
                    integrations[function] = integration["IntegrationId"]
                # What has no authorizer in the document is open here too.
                authorized = any("Jwt" in scheme for scheme in operation.get("security", []))
                more = {"AuthorizationType": "JWT", "AuthorizerId": authorizer} if authorized else {}
                method = "ANY" if method == "x-amazon-apigateway-any-method" else method.upper()
                client.create_route(
                    ApiId=stack.api, RouteKey=f"{method} {path}",
                    Target=f"integrations/{integrations[function]}", **more,
                )
        return len(integrations)

    @staticmethod
    def clear(client, api):
        """Deletes what an earlier deployment of the stack made of its document."""
        for route in client.get_routes(ApiId=api)["Items"]:
            client.delete_route(ApiId=api, RouteId=route["RouteId"])
        for integration in client.get_integrations(ApiId=api)["Items"]:
            client.delete_integration(ApiId=api, IntegrationId=integration["IntegrationId"])
        for authorizer in client.get_authorizers(ApiId=api)["Items"]:
            client.delete_authorizer(ApiId=api, AuthorizerId=authorizer["AuthorizerId"])


def function_of(integration):
    """The logical id of the function that an integration calls: `${Name.Arn}` is in its URI."""
    uri = integration["uri"]["Fn::Sub"]
    return uri.split("functions/${", 1)[1].split(".Arn}", 1)[0]


class PostAuthentication:
    """The sign-in page calls no PostAuthentication trigger. The function is invoked with its event."""

    @staticmethod
    def is_there(person):
        answer = person.get("/users/me")
        return "the user is not known" if answer.status == 404 else None

    @staticmethod
    def fill(emulator, stack, event):
        answer = emulator.client("lambda").invoke(
            FunctionName=stack.outputs["PostLoginArn"], Payload=json.dumps(event)
        )
        assert "FunctionError" not in answer, answer["Payload"].read()
        assert json.loads(answer["Payload"].read()) == event, "post-login changed its event"


class EventTime:
    """The bus ignores the time of an entry and sets its own. That publish-events sends the time of the event is checked by
    the tests with the local stack."""

    @staticmethod
    def is_there(delivered):
        """Of a delivered event, which is older than the run."""
        seconds = len("2026-11-28T02:43:00")
        if delivered["time"][:seconds] == delivered["detail"]["occurred_at"][:seconds]:
            return None
        return f"the time is {delivered['time']}"


class PoolProtection:
    """A user pool is deleted in spite of its DeletionProtection. That the stack sets it is checked by describing it."""

    @staticmethod
    def is_there(emulator):
        cognito = emulator.client("cognito-idp")
        pool = cognito.create_user_pool(PoolName="gap-protection", DeletionProtection="ACTIVE")["UserPool"]["Id"]
        try:
            cognito.delete_user_pool(UserPoolId=pool)
        except ClientError:
            return None
        return "a protected pool was deleted"


class EarlierFunctions:
    """An event of an HTTP API has "pathParameters": null where a path has none; AWS leaves the member out. Functions of
    release 0.1.0 fail on that, and read no AWS_ENDPOINT_URL. A proxy before them takes it out. With a later release
    to upgrade from, this goes."""

    WRAP = pathlib.Path(__file__).with_name("bootstrap.py")
    ECHO = "import json\ndef handler(event, _):\n return [name for name in event if event[name] is None]\n"

    @classmethod
    def is_there(cls, emulator):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as code:
            code.writestr("index.py", cls.ECHO)
        trust = {"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"},
        }]}
        role = emulator.client("iam").create_role(
            RoleName="gap-nulls", AssumeRolePolicyDocument=json.dumps(trust)
        )["Role"]["Arn"]
        functions = emulator.client("lambda")
        function = functions.create_function(
            FunctionName="gap-nulls", Runtime="python3.12", Handler="index.handler", Role=role,
            Code={"ZipFile": archive.getvalue()},
        )
        functions.add_permission(
            FunctionName="gap-nulls", StatementId="api", Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
        )
        client = emulator.client("apigatewayv2")
        api = client.create_api(Name="gap-nulls", ProtocolType="HTTP")["ApiId"]
        integration = client.create_integration(
            ApiId=api, IntegrationType="AWS_PROXY", PayloadFormatVersion="2.0",
            IntegrationUri=function["FunctionArn"],
        )["IntegrationId"]
        client.create_route(ApiId=api, RouteKey="GET /nulls", Target=f"integrations/{integration}")
        client.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
        answer = send(emulator, "GET", "/nulls", host=f"{api}.execute-api.localhost").expect(200)
        return f"null: {answer.body}" if answer.body else None


def still(gap, why):
    """Fails unless there is a reason why the gap is still there."""
    assert why, f"the emulator has it now, remove the gap: {gap.__name__}: {gap.__doc__}"
    print(f"  gap {gap.__name__}: {why[:100]}")
