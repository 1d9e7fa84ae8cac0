//! ECDSA on the curve P-521, which ring does not have, and some companies' authorities use. It verifies signatures, and
//! makes none.

use p521::ecdsa::{DerSignature, Signature, VerifyingKey, signature::hazmat::PrehashVerifier};
use rustls::pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id};
use sha2::{Digest, Sha256, Sha384, Sha512};

/// With SHA-256, which plain `openssl req -x509` chooses.
pub(super) static ECDSA_P521_SHA256: &dyn SignatureVerificationAlgorithm =
    &EcdsaP521 { hash: padded_hash::<Sha256>, id: alg_id::ECDSA_SHA256 };
/// With SHA-384.
pub(super) static ECDSA_P521_SHA384: &dyn SignatureVerificationAlgorithm =
    &EcdsaP521 { hash: padded_hash::<Sha384>, id: alg_id::ECDSA_SHA384 };
/// With SHA-512, which TLS asks for.
pub(super) static ECDSA_P521_SHA512: &dyn SignatureVerificationAlgorithm =
    &EcdsaP521 { hash: padded_hash::<Sha512>, id: alg_id::ECDSA_SHA512 };

#[derive(Debug)]
struct EcdsaP521 {
    hash: fn(&[u8]) -> [u8; FIELD],
    id: AlgorithmIdentifier,
}

impl SignatureVerificationAlgorithm for EcdsaP521 {
    fn verify_signature(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let key = VerifyingKey::from_sec1_bytes(public_key).map_err(|_| InvalidSignature)?;
        let signature = DerSignature::from_bytes(signature).map_err(|_| InvalidSignature)?;
        let signature = Signature::try_from(signature).map_err(|_| InvalidSignature)?;
        key.verify_prehash(&(self.hash)(message), &signature).map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P521
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.id
    }
}

/// The hash as a number of the field's length: shorter ones are filled up in front (SEC 1 § 4.1.4).
fn padded_hash<D: Digest>(message: &[u8]) -> [u8; FIELD] {
    let hash = D::digest(message);
    let mut padded = [0; FIELD];
    padded[FIELD - hash.len()..].copy_from_slice(&hash);
    padded
}

/// Bytes of a number of the field: 521 bits.
const FIELD: usize = 66;
