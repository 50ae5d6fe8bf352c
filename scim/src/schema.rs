//! The one declaration of the attributes. Parsing, comparing, projection and the schema documents
//! derive from it.

use strum::AsRefStr;

/// The type of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, AsRefStr)]
#[strum(serialize_all = "camelCase")]
pub enum Type {
    /// Text.
    String,
    /// `true` or `false`.
    Boolean,
    /// A time in RFC 3339.
    DateTime,
    /// A URI.
    Reference,
    /// An object with sub-attributes.
    Complex,
}

/// Who may change an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, AsRefStr)]
#[strum(serialize_all = "camelCase")]
pub enum Mutability {
    /// Set by the server.
    ReadOnly,
    /// Set by the client.
    ReadWrite,
    /// Set by the client, once.
    Immutable,
}

/// An attribute or a sub-attribute.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the characteristics that RFC 7643 gives each attribute"
)]
pub struct Attribute {
    /// The name, as responses spell it.
    pub name: &'static str,
    /// Its meaning.
    pub description: &'static str,
    /// The type of each value.
    pub kind: Type,
    /// Whether it is an array.
    pub multi: bool,
    /// Whether a resource must have it.
    pub required: bool,
    /// Whether upper and lower case differ.
    pub case_exact: bool,
    /// Whether two resources of a directory may not share a value.
    pub unique: bool,
    /// Who may change it.
    pub mutability: Mutability,
    /// Typical values.
    pub canonical: &'static [&'static str],
    /// The sub-attributes of a complex attribute.
    pub subs: &'static [Attribute],
}

impl Attribute {
    const fn new(name: &'static str, kind: Type, description: &'static str) -> Self {
        Self {
            name,
            description,
            kind,
            multi: false,
            required: false,
            case_exact: false,
            unique: false,
            mutability: Mutability::ReadWrite,
            canonical: &[],
            subs: &[],
        }
    }

    const fn text(name: &'static str, description: &'static str) -> Self {
        Self::new(name, Type::String, description)
    }

    const fn reference(name: &'static str, description: &'static str) -> Self {
        Self::new(name, Type::Reference, description).exact()
    }

    const fn complex(name: &'static str, description: &'static str, subs: &'static [Self]) -> Self {
        let mut attribute = Self::new(name, Type::Complex, description);
        attribute.subs = subs;
        attribute
    }

    const fn list(name: &'static str, description: &'static str, subs: &'static [Self]) -> Self {
        let mut attribute = Self::complex(name, description, subs);
        attribute.multi = true;
        attribute
    }

    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn unique(mut self) -> Self {
        self.unique = true;
        self
    }

    const fn exact(mut self) -> Self {
        self.case_exact = true;
        self
    }

    const fn read_only(mut self) -> Self {
        self.mutability = Mutability::ReadOnly;
        self
    }

    const fn immutable(mut self) -> Self {
        self.mutability = Mutability::Immutable;
        self
    }

    const fn canonical(mut self, values: &'static [&'static str]) -> Self {
        self.canonical = values;
        self
    }

    /// The sub-attribute of this name, in any case.
    pub fn sub(&self, name: &str) -> Option<&'static Self> {
        find(self.subs, name)
    }
}

/// The attribute of this name, in any case.
pub(crate) fn find(attributes: &'static [Attribute], name: &str) -> Option<&'static Attribute> {
    attributes
        .iter()
        .find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

/// A schema or an extension.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// The URN.
    pub id: &'static str,
    /// The name for people.
    pub name: &'static str,
    /// The description.
    pub description: &'static str,
    /// Its attributes, without `id`, `externalId` and `meta`.
    pub attributes: &'static [Attribute],
}

/// The attributes that every resource has, and that no schema document lists.
pub(crate) const COMMON: &[Attribute] = &[
    Attribute::text("id", "The id, chosen by the server.")
        .exact()
        .read_only(),
    Attribute::text("externalId", "The id in the identity provider.").exact(),
    Attribute::new("schemas", Type::Reference, "The schemas of the resource.")
        .exact()
        .read_only(),
    Attribute::complex(
        "meta",
        "What the server knows about the resource.",
        &[
            Attribute::text("resourceType", "The type.")
                .exact()
                .read_only(),
            Attribute::new("created", Type::DateTime, "When it was created.").read_only(),
            Attribute::new("lastModified", Type::DateTime, "When it was changed last.").read_only(),
            Attribute::reference("location", "Its URL.").read_only(),
            Attribute::text("version", "Its entity tag.")
                .exact()
                .read_only(),
        ],
    )
    .read_only(),
];

const VALUE: Attribute = Attribute::text("value", "The value.");
const DISPLAY: Attribute = Attribute::text("display", "The value for people.");
const PRIMARY: Attribute = Attribute::new(
    "primary",
    Type::Boolean,
    "Whether it is the preferred value. At most one is.",
);
const TYPE: Attribute = Attribute::text("type", "What the value is for.");

/// The core schema of users.
pub const USER: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:core:2.0:User",
    name: "User",
    description: "User account",
    attributes: &[
        Attribute::text(
            "userName",
            "The login name. Unique in the directory, in any case.",
        )
        .required()
        .unique(),
        Attribute::complex(
            "name",
            "The parts of the name.",
            &[
                Attribute::text("formatted", "The full name."),
                Attribute::text("familyName", "The family name."),
                Attribute::text("givenName", "The given name."),
                Attribute::text("middleName", "The middle names."),
                Attribute::text("honorificPrefix", "The title before the name."),
                Attribute::text("honorificSuffix", "The suffix after the name."),
            ],
        ),
        Attribute::text("displayName", "The name for people."),
        Attribute::text("nickName", "The casual name."),
        Attribute::reference("profileUrl", "The URL of a profile."),
        Attribute::text("title", "The job title."),
        Attribute::text("userType", "The relationship with the organization."),
        Attribute::text("preferredLanguage", "The preferred language."),
        Attribute::text("locale", "The locale for dates and numbers."),
        Attribute::text("timezone", "The time zone."),
        Attribute::new(
            "active",
            Type::Boolean,
            "Whether the user may sign in. Defaults to true.",
        ),
        Attribute::list(
            "emails",
            "Email addresses.",
            &[
                VALUE,
                DISPLAY,
                TYPE.canonical(&["work", "home", "other"]),
                PRIMARY,
            ],
        ),
        Attribute::list(
            "phoneNumbers",
            "Phone numbers, as they were sent.",
            &[
                VALUE,
                DISPLAY,
                TYPE.canonical(&["work", "home", "mobile", "fax", "pager", "other"]),
                PRIMARY,
            ],
        ),
        Attribute::list(
            "addresses",
            "Postal addresses.",
            &[
                Attribute::text("formatted", "The full address."),
                Attribute::text("streetAddress", "Street and number."),
                Attribute::text("locality", "The city."),
                Attribute::text("region", "The state or region."),
                Attribute::text("postalCode", "The postal code."),
                Attribute::text("country", "The country."),
                TYPE.canonical(&["work", "home", "other"]),
                PRIMARY,
            ],
        ),
        Attribute::list(
            "roles",
            "Roles of the application.",
            &[VALUE, DISPLAY, TYPE, PRIMARY],
        ),
        Attribute::list(
            "groups",
            "The groups that the user is a member of.",
            &[
                Attribute::text("value", "The id of the group.")
                    .exact()
                    .read_only(),
                Attribute::reference("$ref", "The URL of the group.").read_only(),
                Attribute::text("display", "The name of the group.").read_only(),
                Attribute::text("type", "Always `direct`.").read_only(),
            ],
        )
        .read_only(),
    ],
};

/// The enterprise extension of users.
pub const ENTERPRISE_USER: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
    name: "EnterpriseUser",
    description: "Attributes of users in enterprises",
    attributes: &[
        Attribute::text("employeeNumber", "The employee number."),
        Attribute::text("costCenter", "The cost center."),
        Attribute::text("organization", "The organization."),
        Attribute::text("division", "The division."),
        Attribute::text("department", "The department."),
        Attribute::complex(
            "manager",
            "The manager.",
            &[
                Attribute::text("value", "The id of the manager.").exact(),
                Attribute::reference("$ref", "The URL of the manager."),
                Attribute::text("displayName", "The name of the manager.").read_only(),
            ],
        ),
    ],
};

/// The core schema of groups.
pub const GROUP: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:core:2.0:Group",
    name: "Group",
    description: "Group",
    attributes: &[
        Attribute::text("displayName", "The name. Unique in the directory.")
            .required()
            .unique(),
        Attribute::list(
            "members",
            "The members.",
            &[
                Attribute::text("value", "The id of the member.")
                    .exact()
                    .immutable(),
                Attribute::reference("$ref", "The URL of the member.").immutable(),
                Attribute::text("type", "What the member is. Defaults to `User`.")
                    .canonical(&["User", "Group"])
                    .immutable(),
                Attribute::text("display", "The name of the member.").read_only(),
            ],
        ),
    ],
};

/// A resource type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScimResource {
    /// `/Users`.
    User,
    /// `/Groups`.
    Group,
}

impl ScimResource {
    /// The core schema.
    pub fn schema(self) -> &'static Schema {
        match self {
            Self::User => &USER,
            Self::Group => &GROUP,
        }
    }

    /// The known extension.
    pub fn extension(self) -> Option<&'static Schema> {
        match self {
            Self::User => Some(&ENTERPRISE_USER),
            Self::Group => None,
        }
    }

    /// The name of the resource type: `User` or `Group`.
    pub fn as_str(self) -> &'static str {
        self.schema().name
    }

    /// The path below the base URL: `/Users` or `/Groups`.
    pub fn endpoint(self) -> &'static str {
        match self {
            Self::User => "/Users",
            Self::Group => "/Groups",
        }
    }
}
