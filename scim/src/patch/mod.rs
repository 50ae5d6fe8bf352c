//! PATCH: operations as Entra and Okta send them, applied as a whole or not at all.

mod edit;

use serde_json::{Map, Value};

use crate::error::invalid_value;
use crate::error::{Error, ScimType};
use crate::filter::{Filter, Literal, Operator, Parser, Test, get};
use crate::members::{Members, MembersChange};
use crate::path::{AttributePath, AttributePlace};
use crate::resource::{Group, User, is_ignored, schema_object};
use crate::schema::ScimResource;
use edit::{Edit, is_empty};

/// Maximum number of operations in a request.
pub const MAX_OPERATIONS: usize = 1_000;

/// The type of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Add,
    Replace,
    Remove,
}

/// The attribute that an operation changes.
#[derive(Clone, Debug, PartialEq)]
struct Target {
    path: AttributePath,
    filter: Option<Filter>,
    sub: Option<String>,
}

impl Target {
    fn parse(text: &str) -> Result<Self, Error> {
        let invalid = |detail| Error::of(ScimType::InvalidPath, detail);
        if text.len() > crate::MAX_FILTER_LENGTH {
            return Err(invalid("The path is too long."));
        }
        let (path, filter, sub) = Parser::new(text)
            .path()
            .map_err(|_| invalid("The path of an operation is malformed."))?;
        Ok(Self { path, filter, sub })
    }
}

#[derive(Clone, Debug, PartialEq)]
struct PatchOperation {
    op: Op,
    target: Option<Target>,
    value: Option<Value>,
}

/// The body of a PATCH.
#[derive(Clone, Debug, PartialEq)]
pub struct PatchRequest {
    operations: Vec<PatchOperation>,
}

/// The result of a PATCH of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupPatched {
    /// The group.
    pub group: Group,
    /// The change of its members.
    pub members: MembersChange,
}

impl PatchRequest {
    /// Reads a body with at most [`MAX_OPERATIONS`] operations. A body with none changes nothing.
    pub fn parse(body: &Value) -> Result<Self, Error> {
        let syntax = |detail: String| Error::of(ScimType::InvalidSyntax, detail);
        let operations = body.as_object().and_then(|body| get(body, "Operations"));
        let Some(Value::Array(operations)) = operations else {
            return Err(syntax("Operations must be an array.".to_owned()));
        };
        if operations.len() > MAX_OPERATIONS {
            return Err(syntax(format!(
                "A request has at most {MAX_OPERATIONS} operations."
            )));
        }
        let operations = operations.iter().map(|operation| {
            let Value::Object(operation) = operation else {
                return Err(syntax("An operation must be an object.".to_owned()));
            };
            let op = get(operation, "op")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let op = match op.to_ascii_lowercase().as_str() {
                "add" => Op::Add,
                "replace" => Op::Replace,
                "remove" => Op::Remove,
                _ => return Err(syntax("op must be add, replace or remove.".to_owned())),
            };
            let target = match get(operation, "path") {
                None | Some(Value::Null) => None,
                Some(Value::String(path)) if path.is_empty() => None,
                Some(Value::String(path)) => Some(Target::parse(path)?),
                Some(_) => {
                    return Err(Error::of(
                        ScimType::InvalidPath,
                        "The path must be a string.",
                    ));
                }
            };
            let value = get(operation, "value").cloned();
            Ok(PatchOperation { op, target, value })
        });
        Ok(Self {
            operations: operations.collect::<Result<_, _>>()?,
        })
    }

    /// The user after all operations. The caller compares it with the user before: if they are equal,
    /// nothing has to be written.
    pub fn apply_to_user(&self, user: &User) -> Result<User, Error> {
        let mut state = State::new(ScimResource::User, user.attributes());
        state.apply(&self.operations)?;
        User::from_attributes(state.attributes)
    }

    /// The group after all operations, and the change of its members.
    pub fn apply_to_group(&self, group: &Group) -> Result<GroupPatched, Error> {
        let mut state = State::new(ScimResource::Group, group.attributes());
        state.apply(&self.operations)?;
        state.members.check()?;
        Ok(GroupPatched {
            group: Group::from_attributes(state.attributes)?,
            members: state.members,
        })
    }
}

struct State {
    kind: ScimResource,
    attributes: Map<String, Value>,
    members: MembersChange,
}

fn no_target(detail: &str) -> Error {
    Error::of(ScimType::NoTarget, detail)
}

impl State {
    fn new(kind: ScimResource, attributes: &Map<String, Value>) -> Self {
        Self {
            kind,
            attributes: attributes.clone(),
            members: MembersChange::default(),
        }
    }

    fn apply(&mut self, operations: &[PatchOperation]) -> Result<(), Error> {
        for operation in operations {
            let value = operation.value.as_ref();
            match (&operation.target, operation.op, value) {
                (Some(target), op, value) => self.change(op, target, value, true)?,
                (None, Op::Remove, _) => {
                    return Err(no_target("A remove operation needs a path."));
                }
                (None, op, Some(Value::Object(object))) => self.without_path(op, object)?,
                (None, ..) => {
                    return Err(invalid_value(
                        "An operation without a path needs an object.",
                    ));
                }
            }
        }
        Ok(())
    }

    /// Each key of the object is a path. Keys that are none are skipped, as are attributes that the
    /// server sets, because Okta sends the `id` along.
    fn without_path(&mut self, op: Op, object: &Map<String, Value>) -> Result<(), Error> {
        for (key, value) in object {
            let is_core = key.eq_ignore_ascii_case(self.kind.schema().id);
            let Some(object) = schema_object(self.kind, key, value) else {
                self.key(op, key, value)?;
                continue;
            };
            for (name, value) in object {
                if is_core {
                    self.key(op, name, value)?;
                } else {
                    self.key(op, &format!("{key}:{name}"), value)?;
                }
            }
        }
        Ok(())
    }

    fn key(&mut self, op: Op, key: &str, value: &Value) -> Result<(), Error> {
        match Target::parse(key) {
            Ok(target) => self.change(op, &target, Some(value), false),
            Err(_) => Ok(()),
        }
    }

    fn change(
        &mut self,
        op: Op,
        target: &Target,
        value: Option<&Value>,
        has_path: bool,
    ) -> Result<(), Error> {
        let (mut place, attribute) = target.path.place(self.kind);
        let written = target.path.to_string();
        if place.extension.is_some() && self.attributes.contains_key(&written) {
            // An extension as a whole, of a schema that is not known.
            place = AttributePlace {
                extension: Some(written),
                name: String::new(),
                sub: None,
            };
        }
        if let Some(sub) = &target.sub {
            let known = attribute.and_then(|attribute| attribute.sub(sub));
            place.sub = Some(known.map_or(sub.as_str(), |known| known.name).to_owned());
        }
        let declared = place.sub.as_deref().and_then(|sub| attribute?.sub(sub));
        let is_schemas = place.extension.is_none() && place.name == "schemas";
        if is_ignored(&place.name, attribute) || is_ignored("", declared) {
            let is_refused =
                has_path && !is_schemas && !place.name.eq_ignore_ascii_case("password");
            return if is_refused {
                Err(Error::of(
                    ScimType::Mutability,
                    "The attribute is read-only.",
                ))
            } else {
                Ok(())
            };
        }
        if value.is_none() && op != Op::Remove {
            return Err(invalid_value("The operation needs a value."));
        }
        if self.kind == ScimResource::Group && place.extension.is_none() && place.name == "members"
        {
            return self.change_members(op, target, &place, value);
        }
        if place.name.is_empty() {
            return self.change_extension(op, &place, value);
        }
        // A null is no value: the attribute is removed.
        let op = match value {
            Some(Value::Null) => Op::Remove,
            _ => op,
        };
        let container = match &place.extension {
            None => &mut self.attributes,
            Some(urn) => {
                let entry = self.attributes.entry(urn.clone());
                let entry = entry.or_insert_with(|| Value::Object(Map::new()));
                let object = entry.as_object_mut();
                object.ok_or_else(|| no_target("The extension is not an object."))?
            }
        };
        let edit = Edit {
            op,
            attribute,
            place: &place,
            filter: target.filter.as_ref(),
            value: value.unwrap_or(&Value::Null),
        };
        edit.apply(container)?;
        if let Some(urn) = &place.extension
            && self.attributes.get(urn).is_some_and(is_empty)
        {
            self.attributes.remove(urn);
        }
        Ok(())
    }

    fn change_extension(
        &mut self,
        op: Op,
        place: &AttributePlace,
        value: Option<&Value>,
    ) -> Result<(), Error> {
        let urn = place.extension.as_deref().unwrap_or_default();
        match (op, value) {
            (Op::Remove, _) | (_, Some(Value::Null)) => {
                self.attributes.remove(urn);
                Ok(())
            }
            (_, Some(Value::Object(object))) if !urn.is_empty() => {
                for (name, value) in object {
                    self.key(op, &format!("{urn}:{name}"), value)?;
                }
                Ok(())
            }
            _ => Err(invalid_value("An extension must be an object.")),
        }
    }

    fn change_members(
        &mut self,
        op: Op,
        target: &Target,
        place: &AttributePlace,
        value: Option<&Value>,
    ) -> Result<(), Error> {
        if let Some(filter) = &target.filter {
            let ids = member_ids(filter)?;
            let is_value = place.sub.as_deref().is_none_or(|sub| sub == "value");
            return match op {
                Op::Remove if is_value => {
                    self.members.remove(ids);
                    Ok(())
                }
                Op::Add | Op::Replace if place.sub.is_none() => {
                    let ids = ids.into_iter().map(Value::from).collect();
                    self.members.add(Members::parse(&Value::Array(ids))?);
                    Ok(())
                }
                _ => Err(Error::of(
                    ScimType::Mutability,
                    "A member cannot be changed. Remove it and add another.",
                )),
            };
        }
        if place.sub.is_some() {
            return Err(Error::of(
                ScimType::Mutability,
                "A member cannot be changed. Remove it and add another.",
            ));
        }
        match (op, value) {
            (Op::Add, Some(value)) => self.members.add(Members::parse(value)?),
            (Op::Replace, Some(value)) => {
                self.members = MembersChange::Replace(Members::parse(value)?);
            }
            // Entra names the members to remove in the value.
            (_, Some(value)) if !value.is_null() => {
                self.members.remove(Members::parse(value)?.0.into_keys());
            }
            _ => self.members = MembersChange::Replace(Members::default()),
        }
        self.members.check()
    }
}

/// The ids of `value eq "a"`, or of several with `or`. Other filters would need all members.
fn member_ids(filter: &Filter) -> Result<Vec<String>, Error> {
    let refused = || {
        Error::of(
            ScimType::InvalidFilter,
            "Members can only be chosen by their value.",
        )
    };
    let parts = match filter {
        Filter::Or(parts) => parts.as_slice(),
        one => std::slice::from_ref(one),
    };
    let ids = parts.iter().map(|part| match part {
        Filter::Attribute(path, Test::Compare(Operator::Equal, Literal::String(id)))
            if path.name.eq_ignore_ascii_case("value") && path.sub.is_none() =>
        {
            Ok(id.clone())
        }
        _ => Err(refused()),
    });
    ids.collect()
}
