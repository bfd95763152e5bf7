import Foundation
import Testing

@testable import TensorBoard

@Suite struct RecordTests {
    /// RFC 3720, B.4, and the check value of CRC-32C/iSCSI.
    @Test func checksumsAreThePublishedOnes() {
        let vectors: [([UInt8], UInt32)] = [
            (Array("123456789".utf8), 0xE306_9283), ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
            ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43), (Array(0..<32), 0x46DD_794E),
            (Array((0..<32).reversed()), 0x113F_DB5C), ([], 0),
        ]
        for (bytes, crc) in vectors { #expect(CRC32C.checksum(bytes) == crc) }
    }

    /// Mask of RFC 3720's vector by the formula of TensorFlow's `crc32c.h`, worked out by hand.
    @Test func theMaskRotatesAndAdds() {
        let crc: UInt32 = 0xE306_9283
        #expect(CRC32C.masked(Array("123456789".utf8)) == ((crc >> 15) | (crc << 17)) &+ 0xA282_EAD8)
    }

    /// Made by TensorBoard 2.21: `RecordWriter(f).write(b"numeral")` of `tensorboard.summary.writer.record_writer`.
    @Test func framesAreTensorBoards() {
        let expected = "0700000000000000bbd79f116e756d6572616c8b232c3f"
        let hex = TFRecord.frame(Array("numeral".utf8)).map { String(format: "%02x", $0) }.joined()
        #expect(hex == expected)
    }
}
