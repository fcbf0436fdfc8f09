//! The key that signs checkpoints, in a file that only its owner may read.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rand::CryptoRng;
use signed_note::StandardSigner;
use zeroize::Zeroizing;

use super::AuditError;
use crate::durable::{self, FileError, OnFile};

/// Type byte of an Ed25519 key in a signed note.
const ED25519: u8 = 1;

/// The checkpoint key and the public key that verifies it.
pub struct SigningKey {
    pub(super) signer: StandardSigner,
    vkey: String,
    origin: String,
}

impl SigningKey {
    /// Reads the key in `path`, or creates it (mode 600) where there is none. The key is bound to `origin`: another
    /// installation's key is refused.
    pub fn open(path: &Path, origin: &str, random: &mut dyn CryptoRng) -> Result<Self, AuditError> {
        if !signed_note::is_key_name_valid(origin) || origin.chars().any(char::is_control) {
            return Err(AuditError::Origin);
        }
        let refuse = |detail: &str| AuditError::Key { path: path.to_owned(), detail: detail.to_owned() };
        match fs::metadata(path) {
            Ok(found) if found.permissions().mode() & 0o077 != 0 => {
                return Err(refuse("others can read it; set its mode to 600 and consider the key known"));
            }
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => create(path, origin, random)?,
            Err(error) => return Err(FileError::new("read", path, error).into()),
        }
        let text = Zeroizing::new(fs::read_to_string(path).on("read", path)?);
        let (name, seed) = parse(&text).ok_or_else(|| refuse("it is not a signer key: restore it"))?;
        if name != origin {
            return Err(refuse(
                "it belongs to another origin: the directory comes from another installation",
            ));
        }
        let (skey, vkey) = encode(origin, &seed);
        let signer = StandardSigner::new(&skey).map_err(|_| refuse("it is not a signer key: restore it"))?;
        Ok(Self { signer, vkey, origin: origin.to_owned() })
    }

    /// The public key as text `<name>+<id>+<base64>`; what an auditor keeps.
    pub fn vkey(&self) -> &str {
        &self.vkey
    }

    /// The origin line of every checkpoint.
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

fn create(path: &Path, origin: &str, random: &mut dyn CryptoRng) -> Result<(), AuditError> {
    let mut seed = Zeroizing::new([0; 32]);
    random.fill_bytes(seed.as_mut_slice());
    let (skey, _) = encode(origin, &seed);
    let line = Zeroizing::new(format!("{}\n", skey.as_str()));
    durable::create_dir(path.parent().unwrap_or(Path::new(".")))?;
    Ok(durable::replace(path, line.as_bytes(), 0o600)?)
}

fn encode(origin: &str, seed: &[u8; 32]) -> (Zeroizing<String>, String) {
    let public = ed25519_dalek::SigningKey::from_bytes(seed).verifying_key();
    let typed = [&[ED25519], public.as_bytes().as_slice()].concat();
    let id = signed_note::key_id(origin, &typed);
    let secret = Zeroizing::new([&[ED25519], seed.as_slice()].concat());
    let secret = Zeroizing::new(BASE64_STANDARD.encode(secret.as_slice()));
    let skey = format!("PRIVATE+KEY+{origin}+{id:08x}+{}", secret.as_str());
    (Zeroizing::new(skey), signed_note::new_ed25519_verifier_key(origin, &public))
}

fn parse(text: &str) -> Option<(&str, Zeroizing<[u8; 32]>)> {
    let mut fields = text.trim_end().strip_prefix("PRIVATE+KEY+")?.splitn(3, '+');
    let (name, _, secret) = (fields.next()?, fields.next()?, fields.next()?);
    let bytes = Zeroizing::new(BASE64_STANDARD.decode(secret).ok()?);
    let (kind, seed) = bytes.split_first()?;
    let mut kept = Zeroizing::new([0; 32]);
    if *kind != ED25519 || seed.len() != kept.len() {
        return None;
    }
    kept.copy_from_slice(seed);
    Some((name, kept))
}
