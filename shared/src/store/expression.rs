//! Conditions and changes in DynamoDB's expression language. Attributes are written `#name` and
//! stand for the attribute `name`, so that no reserved word gets in the way.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

/// An item of the table.
pub(super) type Item = HashMap<String, AttributeValue>;

/// A text as an attribute.
pub(super) fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

/// A whole number as an attribute.
pub(super) fn number(number: impl Into<i128>) -> AttributeValue {
    AttributeValue::N(number.into().to_string())
}

/// A text for the SDK with all that it refers to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Expression {
    pub text: String,
    pub names: Option<HashMap<String, String>>,
    pub values: Option<HashMap<String, AttributeValue>>,
}

/// What must be true of an item.
#[derive(Clone, Debug, Default)]
pub(super) struct Condition {
    text: String,
    values: HashMap<String, AttributeValue>,
}

impl Condition {
    /// A condition in DynamoDB's language: `#status = :active`.
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            values: HashMap::new(),
        }
    }

    /// Nothing is asked.
    pub(super) fn none() -> Self {
        Self::default()
    }

    /// The item is not there.
    pub(super) fn absent() -> Self {
        Self::new("attribute_not_exists(#pk)")
    }

    /// The item is there.
    pub(super) fn present() -> Self {
        Self::new("attribute_exists(#pk)")
    }

    /// What a placeholder stands for.
    pub(super) fn value(mut self, placeholder: &str, value: AttributeValue) -> Self {
        self.values.insert(placeholder.to_owned(), value);
        self
    }

    /// And this also.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.text = format!("({}) AND ({})", self.text, other.text);
        self.values.extend(other.values);
        self
    }

    /// This, or that if there is one.
    pub(super) fn or(mut self, other: Option<Self>) -> Self {
        if let Some(other) = other {
            self.text = format!("({}) OR ({})", self.text, other.text);
            self.values.extend(other.values);
        }
        self
    }

    /// The opposite.
    pub(super) fn negated(mut self) -> Self {
        self.text = format!("NOT ({})", self.text);
        self
    }

    pub(super) fn into_expression(self) -> Expression {
        Expression {
            names: names(&self.text),
            text: self.text,
            values: (!self.values.is_empty()).then_some(self.values),
        }
    }
}

/// What becomes of an item.
#[derive(Clone, Debug, Default)]
pub(super) struct Change {
    set: Vec<String>,
    remove: Vec<String>,
    values: HashMap<String, AttributeValue>,
}

impl Change {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// The attribute gets this value.
    pub(super) fn set(mut self, attribute: &str, value: AttributeValue) -> Self {
        self.set.push(format!("#{attribute} = :set_{attribute}"));
        self.values.insert(format!(":set_{attribute}"), value);
        self
    }

    /// The attribute gets this value, unless it has one.
    pub(super) fn set_if_absent(mut self, attribute: &str, value: AttributeValue) -> Self {
        self.set.push(format!(
            "#{attribute} = if_not_exists(#{attribute}, :set_{attribute})"
        ));
        self.values.insert(format!(":set_{attribute}"), value);
        self
    }

    /// The number goes up (or down) by this; one that is not there counts as zero.
    pub(super) fn add(mut self, attribute: &str, by: i32) -> Self {
        self.set.push(format!(
            "#{attribute} = if_not_exists(#{attribute}, :zero) + :add_{attribute}"
        ));
        self.values.insert(":zero".to_owned(), number(0));
        self.values.insert(format!(":add_{attribute}"), number(by));
        self
    }

    /// The attribute goes.
    pub(super) fn remove(mut self, attribute: &str) -> Self {
        self.remove.push(format!("#{attribute}"));
        self
    }

    /// This and that.
    pub(super) fn and(mut self, other: Self) -> Self {
        self.set.extend(other.set);
        self.remove.extend(other.remove);
        self.values.extend(other.values);
        self
    }

    /// The attribute is as in `item`: with its value, or gone.
    pub(super) fn take(self, attribute: &str, item: &Item) -> Self {
        match item.get(attribute) {
            Some(value) => self.set(attribute, value.clone()),
            None => self.remove(attribute),
        }
    }

    /// The update expression, and the condition with the names and values of both.
    pub(super) fn with(self, condition: Condition) -> (String, Expression) {
        let mut update = String::new();
        if !self.set.is_empty() {
            update = format!("SET {}", self.set.join(", "));
        }
        if !self.remove.is_empty() {
            update = format!("{update} REMOVE {}", self.remove.join(", "));
        }
        let mut values = self.values;
        values.extend(condition.values);
        let expression = Expression {
            names: names(&format!("{update} {}", condition.text)),
            text: condition.text,
            values: (!values.is_empty()).then_some(values),
        };
        (update.trim_start().to_owned(), expression)
    }
}

/// The attributes that a text speaks of.
fn names(text: &str) -> Option<HashMap<String, String>> {
    let names: HashMap<_, _> = text
        .split('#')
        .skip(1)
        .map(|rest| {
            let end = rest
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            let name = rest.get(..end).unwrap_or(rest);
            (format!("#{name}"), name.to_owned())
        })
        .collect();
    (!names.is_empty()).then_some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attribute_that_is_spoken_of_is_named() {
        let change = Change::new()
            .set("name", text("Acme"))
            .add("owner_count", -1)
            .remove("domain");
        let condition = Condition::new("#owner_count > :one").value(":one", number(1));
        let (update, expression) = change.with(condition);
        assert_eq!(
            update,
            "SET #name = :set_name, #owner_count = if_not_exists(#owner_count, :zero) + :add_owner_count REMOVE #domain"
        );
        let mut names: Vec<_> = expression.names.unwrap().into_values().collect();
        names.sort();
        assert_eq!(names, ["domain", "name", "owner_count"]);
        assert_eq!(expression.values.unwrap().len(), 4);
    }
}
