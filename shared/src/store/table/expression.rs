//! Conditions and changes in DynamoDB's expression language. `#name` stands for the attribute `name`, so that
//! names may be reserved words.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::Item;

/// Returns a string attribute.
pub(in crate::store) fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

/// Returns a number attribute.
pub(in crate::store) fn number(number: impl Into<i128>) -> AttributeValue {
    AttributeValue::N(number.into().to_string())
}

/// An expression with the names and values that it refers to.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store) struct Expression {
    pub text: String,
    pub names: Option<HashMap<String, String>>,
    pub values: Option<HashMap<String, AttributeValue>>,
}

/// A condition on an item.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct Condition {
    text: String,
    values: HashMap<String, AttributeValue>,
}

impl Condition {
    /// Creates a condition in DynamoDB's language, such as `#status = :active`.
    pub(in crate::store) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            values: HashMap::new(),
        }
    }

    /// Returns a condition that always holds.
    pub(in crate::store) fn none() -> Self {
        Self::default()
    }

    /// Returns the condition that the item does not exist.
    pub(in crate::store) fn absent() -> Self {
        Self::new("attribute_not_exists(#pk)")
    }

    /// Returns the condition that the item exists.
    pub(in crate::store) fn present() -> Self {
        Self::new("attribute_exists(#pk)")
    }

    /// Sets the value of a placeholder.
    pub(in crate::store) fn value(mut self, placeholder: &str, value: AttributeValue) -> Self {
        self.values.insert(placeholder.to_owned(), value);
        self
    }

    /// Combines two conditions with `AND`.
    pub(in crate::store) fn and(mut self, other: Self) -> Self {
        self.text = format!("({}) AND ({})", self.text, other.text);
        self.values.extend(other.values);
        self
    }

    /// Combines two conditions with `OR`.
    pub(in crate::store) fn or(mut self, other: Self) -> Self {
        self.text = format!("({}) OR ({})", self.text, other.text);
        self.values.extend(other.values);
        self
    }

    /// Negates the condition.
    pub(in crate::store) fn negated(mut self) -> Self {
        self.text = format!("NOT ({})", self.text);
        self
    }

    pub(in crate::store) fn into_expression(self) -> Expression {
        Expression {
            names: names(&self.text),
            text: self.text,
            values: (!self.values.is_empty()).then_some(self.values),
        }
    }
}

/// A change of an item.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct ItemChange {
    set: Vec<String>,
    remove: Vec<String>,
    values: HashMap<String, AttributeValue>,
}

impl ItemChange {
    /// Creates an empty change.
    pub(in crate::store) fn new() -> Self {
        Self::default()
    }

    /// Writes these attributes of an item, and removes those that it does not have.
    pub(in crate::store) fn taking(attributes: &[&str], item: &Item) -> Self {
        attributes.iter().fold(Self::new(), |change, attribute| {
            change.take(attribute, item)
        })
    }

    /// Sets an attribute.
    pub(in crate::store) fn set(mut self, attribute: &str, value: AttributeValue) -> Self {
        self.set.push(format!("#{attribute} = :set_{attribute}"));
        self.values.insert(format!(":set_{attribute}"), value);
        self
    }

    /// Sets an attribute to the value of another one before the change.
    pub(in crate::store) fn copy(mut self, attribute: &str, from: &str) -> Self {
        self.set.push(format!("#{attribute} = #{from}"));
        self
    }

    /// Sets an attribute to the value of another one before the change, or to this value if there is none.
    pub(in crate::store) fn copy_or(
        mut self,
        attribute: &str,
        from: &str,
        or: AttributeValue,
    ) -> Self {
        self.set.push(format!(
            "#{attribute} = if_not_exists(#{from}, :or_{attribute})"
        ));
        self.values.insert(format!(":or_{attribute}"), or);
        self
    }

    /// Adds to a number, which defaults to zero.
    pub(in crate::store) fn add(mut self, attribute: &str, by: i32) -> Self {
        self.set.push(format!(
            "#{attribute} = if_not_exists(#{attribute}, :zero) + :add_{attribute}"
        ));
        self.values.insert(":zero".to_owned(), number(0));
        self.values.insert(format!(":add_{attribute}"), number(by));
        self
    }

    /// Removes an attribute.
    pub(in crate::store) fn remove(mut self, attribute: &str) -> Self {
        self.remove.push(format!("#{attribute}"));
        self
    }

    /// Combines two changes.
    pub(in crate::store) fn and(mut self, other: Self) -> Self {
        self.set.extend(other.set);
        self.remove.extend(other.remove);
        self.values.extend(other.values);
        self
    }

    /// Sets an attribute to its value in `item`, or removes it.
    pub(in crate::store) fn take(self, attribute: &str, item: &Item) -> Self {
        match item.get(attribute) {
            Some(value) => self.set(attribute, value.clone()),
            None => self.remove(attribute),
        }
    }

    /// Returns the update expression, and the condition with the names and values of both.
    pub(in crate::store) fn with(self, condition: Condition) -> (String, Expression) {
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

/// Returns the attribute names in an expression.
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
    fn every_attribute_is_named() {
        let change = ItemChange::new()
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
