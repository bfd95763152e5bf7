import CCrypto
import Foundation
import Tensors

/// An incremental message digest, computed by OpenSSL's EVP.
///
/// SHA-256: FIPS 180-4. MD5: RFC 1321, supported only because some data sets publish nothing else; it detects damage,
/// not malice.
package final class Digest {
    package enum Algorithm: String, Sendable {
        case sha256
        case md5
    }

    private let context: OpaquePointer?
    private var sound: Bool

    package init(_ algorithm: Algorithm = .sha256) {
        context = EVP_MD_CTX_new()
        let type = algorithm == .sha256 ? EVP_sha256() : EVP_md5()
        sound = context != nil && EVP_DigestInit_ex(context, type, nil) == 1
    }

    deinit { EVP_MD_CTX_free(context) }

    /// Adds `bytes`.
    package func update(_ bytes: [UInt8]) { update(bytes.span) }

    /// Adds `bytes`.
    package func update(_ bytes: Span<UInt8>) {
        guard sound, !bytes.isEmpty else { return }
        sound = bytes.withUnsafeBufferPointer { EVP_DigestUpdate(context, $0.baseAddress, $0.count) } == 1
    }

    /// Adds `data`.
    package func update(_ data: Data) {
        guard sound, !data.isEmpty else { return }
        sound = data.withUnsafeBytes { EVP_DigestUpdate(context, $0.baseAddress, $0.count) } == 1
    }

    /// Returns the digest of everything added, in lower-case hexadecimal. Finalizes the digest: call it once.
    /// - Throws: `OperationError` if OpenSSL refuses the algorithm (MD5 in FIPS mode).
    package func hex() throws(OperationError) -> String {
        let digits = Array("0123456789abcdef")
        return String(try bytes().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }

    /// Returns the bytes of the digest, as ``hex()`` does.
    package func bytes() throws(OperationError) -> ArraySlice<UInt8> {
        var value = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var length: UInt32 = 0
        guard sound, EVP_DigestFinal_ex(context, &value, &length) == 1 else {
            throw OperationError("digest", problem: "OpenSSL could not compute it")
        }
        sound = false
        return value.prefix(Int(length))
    }

    /// Returns the digest of `bytes`.
    package static func hex(_ bytes: [UInt8], _ algorithm: Algorithm = .sha256) throws(OperationError) -> String {
        let digest = Digest(algorithm)
        digest.update(bytes)
        return try digest.hex()
    }
}
