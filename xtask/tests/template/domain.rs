//! Tests the domain name of the API.

use serde_json::json;

use crate::document::{resource, template};

#[test]
fn without_a_domain_name_nothing_is_created_for_it() {
    let template = template();
    for (name, condition) in [
        ("ApiDomain", "HasApiDomain"),
        ("ApiDomainMapping", "HasApiDomain"),
        ("ApiDomainRecordA", "HasApiRecords"),
        ("ApiDomainRecordAaaa", "HasApiRecords"),
    ] {
        assert_eq!(resource(name)["Condition"], condition);
    }
    for output in ["ApiDomainTarget", "ApiDomainTargetZone"] {
        assert_eq!(template["Outputs"][output]["Condition"], "HasApiDomain");
    }
    let records = template["Conditions"]["HasApiRecords"].to_string();
    assert!(records.contains("HasApiDomain"), "{records}");
}

#[test]
fn the_domain_name_leads_to_the_one_stage_of_the_api() {
    let mapping = &resource("ApiDomainMapping")["Properties"];
    assert_eq!(mapping["ApiId"], json!({"Ref": "HttpApi"}));
    assert_eq!(mapping["Stage"], json!({"Ref": "HttpApi.Stage"}));
    assert_eq!(mapping["DomainName"], json!({"Ref": "ApiDomain"}));
    // The API uses the whole domain: the paths of the contract have no prefix.
    assert!(mapping["ApiMappingKey"].is_null());

    let domain = &resource("ApiDomain")["Properties"]["DomainNameConfigurations"][0];
    assert_eq!(domain["SecurityPolicy"], "TLS_1_2");
    for (name, kind) in [("ApiDomainRecordA", "A"), ("ApiDomainRecordAaaa", "AAAA")] {
        let record = &resource(name)["Properties"];
        assert_eq!(record["Type"], kind);
        assert_eq!(record["HostedZoneId"], json!({"Ref": "ApiHostedZoneId"}));
        assert_eq!(record["Name"], json!({"Ref": "ApiDomainName"}));
        let target = &record["AliasTarget"];
        let of = |attribute: &str| json!({"Fn::GetAtt": format!("ApiDomain.{attribute}")});
        assert_eq!(target["DNSName"], of("RegionalDomainName"));
        assert_eq!(target["HostedZoneId"], of("RegionalHostedZoneId"));
    }
    // An IPv6 address needs an endpoint with IPv6.
    assert_eq!(domain["IpAddressType"], "dualstack");
}
