//! Checks the room left under the limits of CloudFormation and API Gateway, which AWS raises little
//! or not at all. A fifth stays free, so that there is time to split the stack.

use serde_json::{Value, json};

use crate::document::{of_type, read, template};
use crate::functions::functions;

/// A limit and the things that count towards it.
fn check(about: &str, limit: usize, used: usize) {
    let most = limit / 5 * 4;
    assert!(used <= most, "{about}: {used} of {limit}, at most {most}");
}

fn count(template: &Value, part: &str) -> usize {
    template[part].as_object().unwrap().len()
}

fn routes() -> usize {
    functions()
        .iter()
        .map(|function| function.routes.len())
        .sum()
}

/// As transformed by SAM: a role per function, a permission per route, a stage for the API. A
/// resource with a false condition counts too.
fn resources(template: &Value) -> usize {
    let own = count(template, "Resources");
    let stages = of_type("AWS::Serverless::HttpApi").len();
    own + functions().len() + routes() + stages
}

/// A lower bound of the processed template in bytes. SAM copies the globals to each function and
/// adds a role (700 bytes and four times its name) and the location of its code; for each route it
/// adds a permission and a path of the API (900 bytes and twice the path and the function's name).
fn processed_bytes(template: &Value) -> usize {
    let globals = template["Globals"]["Function"].to_string().len();
    let functions: usize = functions()
        .iter()
        .map(|function| {
            let name = function.resource.len();
            let paths = function
                .routes
                .iter()
                .map(|route| 900 + 2 * (route.len() + name));
            globals + 1_000 + 4 * name + paths.sum::<usize>()
        })
        .sum();
    template.to_string().len() + functions
}

#[test]
fn the_stack_stays_under_the_limits_of_cloudformation() {
    let template = template();
    check("resources", 500, resources(&template));
    check("parameters", 200, count(&template, "Parameters"));
    check("outputs", 200, count(&template, "Outputs"));
    check(
        "mappings",
        200,
        template["Mappings"]
            .as_object()
            .map_or(0, serde_json::Map::len),
    );
    check(
        "bytes of the processed template",
        1_000_000,
        processed_bytes(&template),
    );
    // The packaged template is the same text with the location of each function's code.
    let packaged = read("template.yaml").len() + 200 * functions().len();
    check("bytes of the template in S3", 1_000_000, packaged);
    // CloudFormation takes templates over 51,200 bytes from S3 only.
    assert!(packaged < 51_200 || read("samconfig.toml").contains("\nresolve_s3 = true\n"));
}

#[test]
fn the_api_stays_under_the_limits_of_api_gateway() {
    // SAM creates an integration for each route.
    check("routes and integrations", 300, routes());
}

/// SAM's translator (aws-sam-translator 1.115) made 121 resources of 149,578 bytes from this
/// template with 28 functions and 31 routes.
#[test]
fn the_bytes_are_not_below_those_of_the_translator() {
    let bytes = processed_bytes(&template());
    assert!(bytes >= 149_578, "{bytes}");
}

#[test]
#[should_panic(expected = "resources: 401 of 500, at most 400")]
fn exceeded_limits_are_found() {
    let mut all = template();
    let made = json!({"Type": "AWS::SNS::Topic"});
    let names = (0..).map(|number| format!("Topic{number}"));
    for name in names.take(401 - resources(&template())) {
        all["Resources"][name] = made.clone();
    }
    check("resources", 500, resources(&all));
}
