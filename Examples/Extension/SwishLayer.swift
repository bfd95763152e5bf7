import Numeral

/// `x·σ(βx)`: a layer of one function, given with its derivative.
struct SwishLayer: FunctionLayer {
    var beta: Float = 1

    static let type = "mySwish"
    static var options: Section<SwishLayer> {
        Section(
            initial: SwishLayer(),
            fields: [.key("beta", \.beta, .number(.above(0, 100)), "How steep the gate is.")])
    }

    func value<Number: RealNumber>(_ x: Number) -> Number { x * Number.sigmoid(Number(beta) * x) }

    func derivative<Number: RealNumber>(_ x: Number) -> Number {
        let beta = Number(beta), gate = Number.sigmoid(beta * x)
        return gate * (1 + beta * x * (1 - gate))
    }

    func onnx(_ node: ResolvedGraph.Node) -> [ONNXNode] {
        [
            ONNXNode("Mul", [.input(0), .float(beta, name: "beta")], suffix: "scaled"),
            ONNXNode("Sigmoid", [.node(0)], suffix: "gate"), ONNXNode("Mul", [.input(0), .node(1)]),
        ]
    }
}
