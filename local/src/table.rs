//! Creates the table of the template, or checks that the existing one matches.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, GlobalSecondaryIndexDescription,
    KeySchemaElement, Projection as SdkProjection, ProjectionType, StreamSpecification,
    TableDescription, TableStatus, TimeToLiveSpecification,
};

use crate::template::{Attribute, Index, KeyPart, Projection, Table};

/// How often to poll a table that is being created.
const POLL_EVERY: Duration = Duration::from_millis(100);
/// The number of polls: 30 s in total.
const POLLS: u32 = 300;

/// Creates the table, unless it exists. An existing table must have the template's keys and
/// indexes; the error shows both.
pub(crate) async fn ensure(client: &Client, name: &str, table: &Table) -> Result<()> {
    let created = create(client, name, table).await?;
    let description = active(client, name).await?;
    if created {
        return set_time_to_live(client, name, table).await;
    }
    let (found, wanted) = (found(&description), wanted(table));
    if found != wanted {
        bail!(
            "the table {name} is there, but not as template.yaml has it; \
             start with another --data directory, or delete the table\n  there:    {}\n  template: {}",
            found.describe(),
            wanted.describe()
        );
    }
    Ok(())
}

/// Whether this call created it.
async fn create(client: &Client, name: &str, table: &Table) -> Result<bool> {
    let mut request = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_key_schema(Some(key_schema(&table.key)?));
    for attribute in &table.attributes {
        request = request.attribute_definitions(
            AttributeDefinition::builder()
                .attribute_name(&attribute.name)
                .attribute_type(attribute.kind.as_str().into())
                .build()?,
        );
    }
    for index in &table.indexes {
        let attributes = &index.projection.attributes;
        let projection = SdkProjection::builder()
            .projection_type(index.projection.kind.as_str().into())
            .set_non_key_attributes((!attributes.is_empty()).then(|| attributes.clone()))
            .build();
        request = request.global_secondary_indexes(
            GlobalSecondaryIndex::builder()
                .index_name(&index.name)
                .set_key_schema(Some(key_schema(&index.key)?))
                .projection(projection)
                .build()?,
        );
    }
    if let Some(view) = &table.stream {
        let stream = StreamSpecification::builder()
            .stream_enabled(true)
            .stream_view_type(view.as_str().into());
        request = request.stream_specification(stream.build()?);
    }
    match request.send().await {
        Ok(_) => Ok(true),
        Err(error) => {
            let error = error.into_service_error();
            if error.is_resource_in_use_exception() {
                return Ok(false);
            }
            Err(error).with_context(|| format!("the table {name} cannot be made"))
        }
    }
}

fn key_schema(key: &[KeyPart]) -> Result<Vec<KeySchemaElement>> {
    let elements = key.iter().map(|part| {
        let element = KeySchemaElement::builder()
            .attribute_name(&part.name)
            .key_type(part.kind.as_str().into());
        Ok(element.build()?)
    });
    elements.collect()
}

async fn active(client: &Client, name: &str) -> Result<TableDescription> {
    for _ in 0..POLLS {
        let answer = client.describe_table().table_name(name).send().await;
        let answer = answer.with_context(|| format!("the table {name} cannot be described"))?;
        match answer.table {
            Some(table) if table.table_status == Some(TableStatus::Active) => return Ok(table),
            _ => tokio::time::sleep(POLL_EVERY).await,
        }
    }
    bail!("the table {name} did not become active");
}

async fn set_time_to_live(client: &Client, name: &str, table: &Table) -> Result<()> {
    let Some(attribute) = &table.time_to_live else {
        return Ok(());
    };
    let setting = TimeToLiveSpecification::builder()
        .attribute_name(attribute)
        .enabled(true);
    client
        .update_time_to_live()
        .table_name(name)
        .time_to_live_specification(setting.build()?)
        .send()
        .await
        .with_context(|| format!("the expiry attribute of the table {name} cannot be set"))?;
    Ok(())
}

/// The properties in which two tables must agree for the store.
#[derive(PartialEq, Eq)]
struct Shape {
    attributes: Vec<Attribute>,
    key: Vec<KeyPart>,
    indexes: Vec<Index>,
}

impl Shape {
    fn new(mut attributes: Vec<Attribute>, key: Vec<KeyPart>, mut indexes: Vec<Index>) -> Self {
        attributes.sort();
        indexes.sort();
        for index in &mut indexes {
            index.projection.attributes.sort();
        }
        Self {
            attributes,
            key,
            indexes,
        }
    }

    fn describe(&self) -> String {
        let key = |key: &[KeyPart]| {
            let parts = key.iter().map(|part| {
                let attribute = self.attributes.iter().find(|found| found.name == part.name);
                let kind = attribute.map_or("?", |found| found.kind.as_str());
                format!("{} {kind} {}", part.name, part.kind)
            });
            parts.collect::<Vec<_>>().join(", ")
        };
        let mut text = format!("key ({})", key(&self.key));
        for Index {
            name,
            key: parts,
            projection,
        } in &self.indexes
        {
            let carried = projection.attributes.join(", ");
            let carried = format!("{} {carried}", projection.kind);
            // Writing to a String does not fail.
            let _ = write!(
                text,
                "; index {name} ({}) {}",
                key(parts),
                carried.trim_end()
            );
        }
        text
    }
}

fn wanted(table: &Table) -> Shape {
    Shape::new(
        table.attributes.clone(),
        table.key.clone(),
        table.indexes.clone(),
    )
}

fn found(table: &TableDescription) -> Shape {
    let attributes = table
        .attribute_definitions()
        .iter()
        .map(|attribute| Attribute {
            name: attribute.attribute_name().to_owned(),
            kind: attribute.attribute_type().as_str().to_owned(),
        });
    let indexes = table.global_secondary_indexes().iter().map(found_index);
    Shape::new(
        attributes.collect(),
        found_key(table.key_schema()),
        indexes.collect(),
    )
}

fn found_index(index: &GlobalSecondaryIndexDescription) -> Index {
    let projection = index.projection();
    let kind = projection
        .and_then(SdkProjection::projection_type)
        .map(ProjectionType::as_str);
    Index {
        name: index.index_name().unwrap_or_default().to_owned(),
        key: found_key(index.key_schema()),
        projection: Projection {
            kind: kind.unwrap_or_default().to_owned(),
            attributes: projection
                .map(|found| found.non_key_attributes().to_vec())
                .unwrap_or_default(),
        },
    }
}

fn found_key(key: &[KeySchemaElement]) -> Vec<KeyPart> {
    let parts = key.iter().map(|part| KeyPart {
        name: part.attribute_name().to_owned(),
        kind: part.key_type().as_str().to_owned(),
    });
    parts.collect()
}
