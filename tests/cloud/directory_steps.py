"""The steps about directories: of the deployment, of a tenant of its own, and of an identity provider that writes by SCIM."""

import json
import time

from people import Provider

# Of the sample directory of the local stack, which plays Entra.
ALAN = "5f0a7c0e-3b1d-4c57-9b52-1a1de0a10002"
COMPILERS = "cdb555e3-b33e-4fd5-a427-17fadacb0001"
RESEARCH = "cdb555e3-b33e-4fd5-a427-17fadacb0002"
# Of its second tenant.
GLOBEX = {
    "tenant_id": "7b1d9c52-0e4f-4a6b-9d38-5c2f1e0a7b64",
    "domain": "globex.example",
    "service_principal_id": "a40c6d1b-93f2-4e57-8b0a-6d5e4f3c2b1a",
}
HANK = "9e3f5b7d-1a2c-4d6e-8f90-2b4d6f8a0001"
NUCLEAR = "d1e2f3a4-b5c6-4d7e-8f90-a1b2c3d40001"


class DirectorySteps:
    def directory(self):
        with self.step("a login joins the organizations and teams of the groups in Entra"):
            alan = self.known("alan", entra_object_id=ALAN)
            told = alan.sign_in()["organizations"]
            assert set(told) == {COMPILERS, RESEARCH}, told
            mine = alan.get("/users/me/teams").expect(200).body["items"]
            assert {one["team_id"] for one in mine} == {COMPILERS, RESEARCH}

    def directories(self):
        boss = self.boss
        with self.step("a directory of a tenant of its own is bound by a verified domain, and followed at a login"):
            office = boss.post("/organizations", {"name": "Head office"}).expect(201).headers["location"]
            added = boss.post(f"{office}/domains", {"domain": "globex.example"}).expect(201)
            proof = added.body["verification"]
            self.dns.records[proof["name"]] = [proof["value"]]
            assert boss.post(f"{office}/domains/globex.example/verify").expect(200).body["status"] == "verified"
            body = {"name": "Globex", "type": "entra", "entra": GLOBEX, "settings": {"create_organizations": True}}
            path = boss.post("/directories", body).expect(201).headers["location"]
            self.stack.restart("PostLogin")
            hank = self.known("hank", "globex", entra_object_id=HANK)
            hank.get(f"/organizations/{NUCLEAR}").expect(200)
        with self.step("who leaves a group loses access without a login, by the timer and its queue"):
            plan = boss.post(f"{path}/sync", {"dry_run": True}).expect(200).body["plan"]
            assert (plan["users_read"], plan["users"]) == (1, []), plan
            self.groups.leave(NUCLEAR, "hank")
            emulator = self.stack.emulator
            told = emulator.client("lambda").invoke(FunctionName=self.stack.arn("ScheduleReconciles"), Payload=b"{}")
            assert json.loads(told["Payload"].read())["queued"] == 1, told
            until = time.monotonic() + 120
            while not (runs := boss.get(f"{path}/runs").expect(200).body["items"]):
                assert time.monotonic() < until, "no run"
                time.sleep(1)
            assert (runs[0]["outcome"], runs[0]["numbers"]["memberships_ended"]) == ("synced", 2), runs
            hank.get(f"/organizations/{NUCLEAR}").expect(404)
            self.groups.restore()

    def provisioning(self):
        with self.step("an identity provider creates a user and a group by SCIM, and the person signs in"):
            admin = self.person("admin", "initech")
            admin.into_group("tenant-admins")
            admin.sign_in()
            body = {"name": "Okta", "type": "scim", "settings": {"create_organizations": True}}
            made = admin.post("/directories", body).expect(201).body
            provider = Provider(self.stack, made)
            assert made["scim"]["base_url"].endswith(provider.base), made
            provider.get(f"{provider.base}/ServiceProviderConfig").expect(200)
            user = {"userName": "milton@initech.example", "externalId": "milton"}
            user = provider.post(f"{provider.base}/Users", user).expect(201).body["id"]
            group = {"displayName": "Stapler", "members": [{"value": user}]}
            group = provider.post(f"{provider.base}/Groups", group).expect(201).body["id"]
            self.stack.restart("PostLogin")
            milton = self.known("milton", "initech", entra_object_id="milton")
            milton.get(f"/organizations/{group}").expect(200)
        with self.step("what the identity provider changes is followed in the request"):
            def patch(path, *operations):
                return provider.patch(f"{provider.base}{path}", {"Operations": operations})

            patch(f"/Users/{user}", {"op": "Replace", "path": "active", "value": "False"}).expect(200)
            milton.get(f"/organizations/{group}").expect(403, "user-disabled")
            patch(f"/Users/{user}", {"op": "Replace", "path": "active", "value": "True"}).expect(200)
            milton.get(f"/organizations/{group}").expect(200)
            patch(f"/Groups/{group}", {"op": "remove", "path": "members", "value": [{"value": user}]}).expect(204)
            milton.get(f"/organizations/{group}").expect(404)
        with self.step("a wrong token, and the token of a person, get an error in the form of SCIM"):
            for token in ("", "x", milton.token):
                provider.token = token
                told = provider.get(f"{provider.base}/Users").expect(401)
                assert told.body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"], told
