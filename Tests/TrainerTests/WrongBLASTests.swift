import LinearAlgebra

#if os(Linux)
    import Foundation
    import Numeral
    import Testing

    /// A library that is put before the real BLAS and returns what it returns, but for one fault of one unit in the last
    /// place of one element. The start-up test must refuse those that it can meet, `doctor` the rest.
    @Suite(.serialized, .enabled(if: WrongBLAS.isPossible)) struct WrongBLASTests {
        struct Fault: Sendable, CustomStringConvertible {
            var description: String
            /// When the product is wrong, in C; `size` is m·n·k, `number` counts calls from 0, `together` is true where
            /// another call runs at the same time.
            var condition: String
            /// What is done to the result.
            var damage = "c[(m - 1) * ldc + n - 1] = nextafterf(c[(m - 1) * ldc + n - 1], INFINITY);"

            init(_ description: String, _ condition: String) {
                self.description = description
                self.condition = condition
            }

            init(_ description: String, _ condition: String, damage: String) {
                self.init(description, condition)
                self.damage = damage
            }
        }

        /// Met by the few milliseconds at each start.
        static let metAtStart = [
            Fault("every product", "1"),
            Fault("A transposed only", "transA && !transB"),
            Fault("B transposed only", "transB && !transA"),
            Fault("both transposed only", "transA && transB"),
            Fault("small sizes only", "size <= 5000"),
            Fault("sizes of the small-matrix path only", "size > 5000 && size <= 1000000"),
            Fault("sizes above it only", "size > 1000000"),
            Fault("long sums only", "k > 768"),
            Fault("one row only", "m == 1"),
            Fault("one column only", "n == 1"),
            Fault("K = 0 leaves C alone", "k == 0", damage: "c[0] = before;"),
            Fault("β = 0 multiplies what is there", "beta == 0", damage: "if (before != before) c[0] = before;"),
            Fault("β ≠ 0 only", "beta != 0"),
            Fault("β = 1 only", "beta == 1"),
            Fault("β that is neither 0 nor 1", "beta != 0 && beta != 1"),
            Fault("α ≠ 1 only", "alpha != 1"),
            Fault("a float beside a row of C is written", "ldc > n && m > 1", damage: "c[n] += 1;"),
            Fault("every twentieth call", "number % 20 == 19"),
            Fault("only calls at the same time", "together"),
        ]

        /// Too rare or too large for the start; met by `doctor`.
        static let metByDoctor = [
            Fault("sizes above 5·10⁶ only", "size > 5000000"),
            Fault("sums of more than 2,000 only", "k > 2000"),
            Fault("one call in five hundred", "number % 500 == 499"),
            Fault("one extent only, transposed twice", "m == 97 && transA && transB"),
        ]

        static let all = metAtStart + metByDoctor

        @Test(arguments: metAtStart) func theStartRefuses(_ fault: Fault) throws {
            let folder = try CommandLineTests.temporaryFolder()
            defer { try? FileManager.default.removeItem(at: folder) }
            let outcome = try WrongBLAS.trainer(
                fault,
                [
                    "--config", CommandLineTests.config, "--set", "data.source=sample", "--set", "training.epochs=1",
                    "--threads", "2", "--quiet",
                ],
                in: folder)
            #expect(outcome.code == 1, "\(outcome.errors)")
            #expect(outcome.errors.hasPrefix("trainer: BLAS self-test ("), "\(outcome.errors)")
            #expect(outcome.errors.contains("OPENBLAS_CORETYPE"), "\(outcome.errors)")
            #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
            #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("runs").path))
        }

        @Test(arguments: metByDoctor) func theDoctorFinds(_ fault: Fault) throws {
            let folder = try CommandLineTests.temporaryFolder()
            defer { try? FileManager.default.removeItem(at: folder) }
            let outcome = try WrongBLAS.trainer(fault, ["doctor", "--threads", "2"], in: folder)
            #expect(outcome.code == 1, "\(outcome.errors)")
            #expect(outcome.output.contains("FAILED: sgemm"), "\(outcome.output)")
            #expect(outcome.errors.contains("BLAS self-test ("), "\(outcome.errors)")
        }

        /// The library in between is not itself what is found: without a fault it passes.
        @Test func withoutAFaultItPasses() throws {
            let folder = try CommandLineTests.temporaryFolder()
            defer { try? FileManager.default.removeItem(at: folder) }
            let outcome = try WrongBLAS.trainer(
                Fault("none", "0"),
                ["--config", CommandLineTests.config, "--set", "data.source=full", "--data", "none"],
                in: folder)
            #expect(outcome.code == 2 && !outcome.errors.contains("self-test"), "\(outcome.errors)")
        }
    }

    /// Builds the library and runs `trainer` with it.
    enum WrongBLAS {
        /// A library of another prefix, or one linked statically, cannot be preceded.
        static let isPossible =
            !["scipy-openblas", "accelerate"].contains(BLASVendor.backend) && BLASVendor.library != nil
            && compiler != nil

        private static let compiler = ["clang", "cc", "gcc"].lazy.compactMap { name -> URL? in
            let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin").split(separator: ":")
            return folders.map { URL(fileURLWithPath: "\($0)/\(name)") }.first {
                FileManager.default.isExecutableFile(atPath: $0.path)
            }
        }.first

        /// Every fault in one library, chosen by its number in the environment.
        private static var source: String {
            let faults = WrongBLASTests.all.enumerated().map { number, fault in
                "case \(number): if (\(fault.condition)) { \(fault.damage) } break;"
            }
            let slow = WrongBLASTests.all.firstIndex { $0.condition == "together" } ?? -1
            return """
                #define _GNU_SOURCE
                #include <dlfcn.h>
                #include <math.h>
                #include <stdatomic.h>
                #include <stdlib.h>
                #include <string.h>
                #include <unistd.h>
                typedef void (*Product)(int, int, int, int, int, int, float, const float *, int, const float *, int,
                                        float, float *, int);
                static atomic_int inside, calls;
                void cblas_sgemm(int order, int ta, int tb, int m, int n, int k, float alpha, const float *a, int lda,
                                 const float *b, int ldb, float beta, float *c, int ldc) {
                    static _Atomic(Product) found;
                    Product real = found;
                    if (!real) found = real = (Product)dlsym(RTLD_NEXT, "cblas_sgemm");
                    const int transA = ta == 112, transB = tb == 112, number = atomic_fetch_add(&calls, 1);
                    const long size = (long)m * n * k;
                    const float before = c[0];
                    const char *fault = getenv("WRONG_BLAS");
                    int others = atomic_fetch_add(&inside, 1);
                    // Long enough for calls to meet on a machine that has other things to do.
                    if (fault && !strcmp(fault, "\(slow)")) usleep(300);
                    real(order, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
                    others += atomic_fetch_sub(&inside, 1) - 1;
                    const int together = others > 0;
                    switch (fault ? atoi(fault) : -1) {
                    \(faults.joined(separator: "\n    "))
                    }
                }
                """
        }

        /// Built once, beside the test bundle; nil where that fails.
        private static let library: URL? = {
            let folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
                .appendingPathComponent("wrong-blas")
            let code = folder.appendingPathComponent("wrong.c"), library = folder.appendingPathComponent("libwrong.so")
            let process = Process()
            process.executableURL = compiler
            process.arguments = ["-O1", "-shared", "-fPIC", "-o", library.path, code.path, "-ldl", "-lm"]
            do {
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
                try source.write(to: code, atomically: true, encoding: .utf8)
                try process.run()
            } catch {
                return nil
            }
            process.waitUntilExit()
            return process.terminationStatus == 0 ? library : nil
        }()

        /// Runs `trainer` with the fault, or with none.
        static func trainer(
            _ fault: WrongBLASTests.Fault?, _ arguments: [String], in folder: URL
        ) throws -> CommandLineTests.Outcome {
            let library = try #require(library)
            let number = WrongBLASTests.all.firstIndex { $0.description == fault?.description } ?? -1
            let process = try CommandLineTests.process(arguments, in: folder)
            process.environment?["LD_PRELOAD"] = library.path
            process.environment?["WRONG_BLAS"] = "\(number)"
            try process.run()
            return try CommandLineTests.outcome(of: process, in: folder)
        }
    }
#endif
