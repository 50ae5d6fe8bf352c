//! Reads environment variables.

use std::str::FromStr;

use muster::config::SettingError;
use muster::domain::Invalid;

/// The environment, as a function that looks up a variable.
pub(super) struct Variables<'a>(&'a dyn Fn(&str) -> Option<String>);

impl<'a> Variables<'a> {
    pub(super) fn new(variable: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self(variable)
    }
}

impl Variables<'_> {
    pub(super) fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    pub(super) fn required(
        &self,
        variable: &'static str,
        problem: &'static str,
    ) -> Result<String, SettingError> {
        self.get(variable).ok_or_else(|| refused(variable, problem))
    }

    pub(super) fn read_as<T>(
        &self,
        variable: &'static str,
        read: impl FnOnce(&str) -> Result<T, Invalid>,
    ) -> Result<Option<T>, SettingError> {
        let value = self.get(variable);
        let read = value.map(|text| read(&text)).transpose();
        read.map_err(|invalid| SettingError {
            variable,
            problem: invalid.to_string(),
        })
    }

    pub(super) fn parsed<T: FromStr<Err = Invalid>>(
        &self,
        variable: &'static str,
    ) -> Result<Option<T>, SettingError> {
        self.read_as(variable, str::parse)
    }

    pub(super) fn flag(&self, variable: &'static str) -> Result<bool, SettingError> {
        let flag = self.read_as(variable, |text| match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(Invalid::new("must be true or false")),
        })?;
        Ok(flag.unwrap_or_default())
    }
}

/// Returns the error of a variable.
pub(super) fn refused(variable: &'static str, problem: &'static str) -> SettingError {
    SettingError {
        variable,
        problem: problem.to_owned(),
    }
}
