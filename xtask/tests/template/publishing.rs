//! Tests the way of an event from the stream to the bus: an outage loses none, and one bad record stops no other.

use serde_json::{Value, json};

use crate::document::{branches, of_type, resource, template};

fn mapping() -> Value {
    resource("PublishEventsSource")["Properties"].clone()
}

#[test]
fn the_mapping_reads_inserted_events_of_the_stream_only() {
    let mapping = mapping();
    assert_eq!(mapping["FunctionName"], json!({"Ref": "PublishEvents"}));
    let streams = [
        json!({"Ref": "RestoredTableStreamArn"}),
        json!({"Fn::GetAtt": "Table.StreamArn"}),
    ];
    let read = branches(&mapping["EventSourceArn"]);
    assert_eq!(read, streams.iter().collect::<Vec<_>>());
    assert_eq!(mapping["StartingPosition"], "TRIM_HORIZON");
    let filters = mapping["FilterCriteria"]["Filters"].as_array().unwrap();
    let [filter] = &filters[..] else {
        panic!("{filters:?}");
    };
    let pattern: Value = serde_json::from_str(filter["Pattern"].as_str().unwrap()).unwrap();
    let image = json!({"record": {"S": [{"exists": true}]}});
    let expected = json!({"eventName": ["INSERT"], "dynamodb": {"NewImage": image}});
    assert_eq!(pattern, expected);
}

#[test]
fn an_outage_of_hours_loses_no_event_and_blocks_no_shard() {
    let mapping = mapping();
    let number = |name: &str| mapping[name].as_u64().unwrap();
    let responses = json!(["ReportBatchItemFailures"]);
    assert_eq!(mapping["FunctionResponseTypes"], responses);
    assert_eq!(mapping["BisectBatchOnFunctionError"], true);
    let failures = json!({"OnFailure": {"Destination": {"Fn::GetAtt": "EventFailures.Arn"}}});
    assert_eq!(mapping["DestinationConfig"], failures);
    // While the bus is down, an attempt takes the 20 s that the function gives it.
    assert!(number("MaximumRetryAttempts") * 20 >= 5 * 3600);
    let age = number("MaximumRecordAgeInSeconds");
    // The stream keeps a record for 24 hours.
    assert!((20 * 3600..24 * 3600).contains(&age), "{age}");
    let timeout = &resource("PublishEvents")["Properties"]["Timeout"];
    assert!(
        timeout.as_u64().unwrap() >= 20 + 4,
        "the time for the queue"
    );
    let queue = &resource("EventFailures")["Properties"];
    assert_eq!(queue["MessageRetentionPeriod"], 14 * 86_400);
}

#[test]
fn members_are_counted_from_events_of_memberships() {
    let (publishing, counting) = (mapping(), resource("TrackMembersSource"));
    let counting = &counting["Properties"];
    assert_eq!(counting["FunctionName"], json!({"Ref": "TrackMembers"}));
    for same in [
        "EventSourceArn",
        "StartingPosition",
        "BatchSize",
        "FunctionResponseTypes",
        "BisectBatchOnFunctionError",
        "MaximumRetryAttempts",
        "MaximumRecordAgeInSeconds",
        "DestinationConfig",
    ] {
        assert_eq!(counting[same], publishing[same], "{same}");
    }
    let pattern = counting["FilterCriteria"]["Filters"][0]["Pattern"].as_str();
    let pattern: Value = serde_json::from_str(pattern.unwrap()).unwrap();
    let image =
        json!({"record": {"S": [{"exists": true}]}, "type": {"S": [{"prefix": "membership."}]}});
    let expected = json!({"eventName": ["INSERT"], "dynamodb": {"NewImage": image}});
    assert_eq!(pattern, expected);
    // A mark of a counted event outlives the record of the stream.
    let age = counting["MaximumRecordAgeInSeconds"].as_u64().unwrap();
    assert!(age < 24 * 3600, "{age}");
}

/// DynamoDB takes two readers of a shard.
#[test]
fn the_stream_has_two_readers() {
    let sources = of_type("AWS::Lambda::EventSourceMapping");
    let of_stream = sources.values().filter(|it| {
        let source = &it["Properties"]["EventSourceArn"];
        source.to_string().contains("Table.StreamArn")
    });
    assert_eq!(of_stream.count(), 2);
}

#[test]
fn the_stack_creates_a_bus_and_an_archive_only_on_request() {
    let template = template();
    let (bus, archive) = (resource("EventBus"), resource("EventArchive"));
    assert_eq!(bus["Condition"], "MakesEventBus");
    assert_eq!(archive["Condition"], "HasEventArchive");
    let conditions = &template["Conditions"];
    let made = json!({"Fn::Equals": [{"Ref": "EventBusName"}, ""]});
    assert_eq!(conditions["MakesEventBus"], made);
    let pattern = &archive["Properties"]["EventPattern"];
    assert_eq!(*pattern, json!({"source": [muster_source()]}));
}

/// `Source` of the events, as the code sends it.
fn muster_source() -> String {
    let code = crate::document::read("delivery/src/bus.rs");
    let (_, rest) = code.split_once("SOURCE: &str = \"").unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}
