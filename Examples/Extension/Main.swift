import Commands
import Numeral

/// `trainer`, with what this package adds: `Extension train --config config.json`, and every other command. `Extension gradients`
/// holds the layers' and the loss's gradients against differences.
@main
enum Main {
    static func main() throws {
        guard CommandLine.arguments.dropFirst().first != "gradients" else { return try checkAll() }
        CommandLineProgram.run {
            try Layer.register(SwishLayer.self)
            try Layer.register(DepthwiseLayer.self)
            try Loss.register(FocalLoss.self)
            try DataProvider.register(Strokes.self)
            try OptimizerOptions.register(Lion.self)
            try Metric.register(WorstRecall.self)
            try Adjustment.register(SaltAndPepper.self)
        }
    }

    private static func checkAll() throws {
        let swish = try checkGradients(Layer(SwishLayer(beta: 1.5)), inputShape: [6, 6, 4])
        let depthwise = try checkGradients(Layer(DepthwiseLayer()), inputShape: [6, 6, 4])
        let focal = checkGradients(Loss(FocalLoss()))
        print("mySwish\n\(swish)\nmyDepthwise\n\(depthwise)\nmyFocal\n\(focal)")
        let right = [swish, depthwise].allSatisfy { $0.error < 1e-3 && ($0.doublePrecisionError ?? 1) < 1e-7 }
        precondition(right && focal.error < 1e-7, "a gradient is wrong")
        print("all gradients are right")
    }
}
