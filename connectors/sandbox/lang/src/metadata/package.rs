//! A package: everything read from one source folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::lint::lint;
use super::{
    CustomField, CustomObject, CustomPermission, LintFinding, MetadataError, PermissionSet, ValidationRule,
    embedded, xml,
};
use crate::schema::ObjectSchema;

/// Largest file read, in bytes.
const MOST_BYTES: u64 = 1 << 20;
/// Most files read from one folder.
const MOST_FILES: usize = 5_000;
/// Deepest folder below the given one.
const DEEPEST: usize = 12;

/// The metadata of one sfdx source folder, each kind sorted by path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Package {
    /// Custom fields.
    pub fields: Vec<CustomField>,
    /// Validation rules.
    pub rules: Vec<ValidationRule>,
    /// Permission sets.
    pub permission_sets: Vec<PermissionSet>,
    /// Custom permissions.
    pub custom_permissions: Vec<CustomPermission>,
    /// Custom objects.
    pub objects: Vec<CustomObject>,
    misnamed: Vec<LintFinding>,
}

impl Package {
    /// Reads files given as (path, text); a path needs its part from `objects/`, `permissionsets/` or
    /// `customPermissions/` on. Files of other kinds are passed over.
    pub fn from_files<P: AsRef<str>, T: AsRef<str>>(
        files: impl IntoIterator<Item = (P, T)>,
    ) -> Result<Self, MetadataError> {
        let files: BTreeMap<String, T> =
            files.into_iter().map(|(path, text)| (path.as_ref().to_owned(), text)).collect();
        let mut package = Self::default();
        for (path, text) in &files {
            package.add(path, text.as_ref())?;
        }
        Ok(package)
    }

    /// Reads every `*-meta.xml` file below a folder; symbolic links are not followed.
    pub fn from_dir(path: &Path) -> Result<Self, MetadataError> {
        let mut files = Vec::new();
        collect(path, "", 0, &mut files)?;
        Self::from_files(files)
    }

    /// The package that ships in `deploy/salesforce`, compiled in.
    pub fn shipped() -> Result<Self, MetadataError> {
        Self::from_files(embedded().iter().copied())
    }

    /// The field of that API name on an object, both without regard to case.
    pub fn field(&self, object: &str, name: &str) -> Option<&CustomField> {
        self.fields
            .iter()
            .find(|f| f.object.eq_ignore_ascii_case(object) && f.full_name.eq_ignore_ascii_case(name))
    }

    /// Every defect found, sorted. `standard` are the objects as the org has them (standard fields); custom fields of
    /// the package are added to them here.
    pub fn lint(&self, standard: &[ObjectSchema]) -> Vec<LintFinding> {
        let mut findings = lint(self, standard);
        findings.extend(self.misnamed.iter().cloned());
        findings.sort();
        findings
    }

    fn add(&mut self, path: &str, text: &str) -> Result<(), MetadataError> {
        let place = Place::of(path);
        let misplaced = |folder: &str| MetadataError::Xml {
            path: path.to_owned(),
            detail: format!("the file must lie in objects/<object>/{folder}"),
        };
        if let Some(stem) = place.stem("field") {
            let object = place.object.ok_or_else(|| misplaced("fields"))?;
            let field = xml::field(path, text, object)?;
            self.check_name(path, stem, &field.full_name);
            self.fields.push(field);
        } else if let Some(stem) = place.stem("validationRule") {
            let object = place.object.ok_or_else(|| misplaced("validationRules"))?;
            let rule = xml::rule(path, text, object)?;
            self.check_name(path, stem, &rule.full_name);
            self.rules.push(rule);
        } else if let Some(stem) = place.stem("permissionset") {
            self.permission_sets.push(xml::permission_set(path, text, stem)?);
        } else if let Some(stem) = place.stem("customPermission") {
            self.custom_permissions.push(xml::custom_permission(path, text, stem)?);
        } else if let Some(stem) = place.stem("object") {
            self.objects.push(xml::object(path, text, stem)?);
        }
        Ok(())
    }

    fn check_name(&mut self, path: &str, stem: &str, full_name: &str) {
        if stem != full_name {
            let detail =
                format!("fullName is {full_name:?}: rename the file or the component so that both agree");
            self.misnamed.push(LintFinding { path: path.to_owned(), detail });
        }
    }
}

/// A path's parts that say what the file is.
struct Place<'p> {
    file: &'p str,
    /// The folder after `objects`.
    object: Option<&'p str>,
}

impl<'p> Place<'p> {
    fn of(path: &'p str) -> Self {
        let parts: Vec<&str> = path.split(['/', '\\']).collect();
        let object =
            parts.iter().rposition(|part| *part == "objects").and_then(|at| parts.get(at + 1)).copied();
        let file = parts.last().copied().unwrap_or_default();
        Self { file, object: object.filter(|o| *o != file) }
    }

    fn stem(&self, kind: &str) -> Option<&'p str> {
        self.file.strip_suffix("-meta.xml")?.strip_suffix(kind)?.strip_suffix('.')
    }
}

fn collect(
    dir: &Path,
    prefix: &str,
    depth: usize,
    files: &mut Vec<(String, String)>,
) -> Result<(), MetadataError> {
    let io = |source| MetadataError::Io { path: format!("{}", dir.display()), source };
    let too_large = |path: &str, limit| MetadataError::TooLarge { path: path.to_owned(), limit };
    if depth > DEEPEST {
        return Err(too_large(prefix, "12 folder levels"));
    }
    for entry in fs::read_dir(dir).map_err(io)? {
        let entry = entry.map_err(io)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        let about = fs::symlink_metadata(entry.path()).map_err(io)?;
        if about.is_dir() {
            collect(&entry.path(), &path, depth + 1, files)?;
        } else if about.is_file() && path.ends_with("-meta.xml") {
            if about.len() > MOST_BYTES {
                return Err(too_large(&path, "1 MiB"));
            }
            if files.len() >= MOST_FILES {
                return Err(too_large(&path, "5,000 files"));
            }
            let text = fs::read_to_string(entry.path())
                .map_err(|source| MetadataError::Io { path: path.clone(), source })?;
            files.push((path, text));
        }
    }
    Ok(())
}
