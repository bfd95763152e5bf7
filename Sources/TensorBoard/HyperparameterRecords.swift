import Foundation
import SwiftProtobuf
import Tensors

/// The records of TensorBoard's HPARAMS plugin: the experiment's columns, a session's values and its outcome.
enum HyperparameterRecords {
    /// Returns the names and types of the hyperparameters, and the metrics to compare by.
    static func experiment(
        _ hyperparameters: [Hyperparameter], date: Date
    ) throws(OperationError) -> Tensorboard_Summary.Value {
        var experiment = Tensorboard_Hparams_Experiment()
        experiment.timeCreatedSecs = date.timeIntervalSince1970
        experiment.hparamInfos = hyperparameters.map { hyperparameter in
            var info = Tensorboard_Hparams_HParamInfo()
            info.name = hyperparameter.name
            info.type =
                switch hyperparameter.value {
                case .number: .float64
                case .boolean: .bool
                case .text: .string
                }
            return info
        }
        let tags =
            TensorBoardLog.testFigures.map { "test/\($0.name)" } + ["accuracy/validation", "loss/validation"]
        experiment.metricInfos = tags.map { tag in
            var info = Tensorboard_Hparams_MetricInfo()
            info.name.tag = tag
            info.displayName = tag
            return info
        }
        var data = Tensorboard_Hparams_HParamsPluginData()
        data.experiment = experiment
        return try value(data, tag: "_hparams_/experiment")
    }

    /// Returns the values of this run.
    static func sessionStart(
        _ name: String, _ hyperparameters: [Hyperparameter], date: Date
    ) throws(OperationError) -> Tensorboard_Summary.Value {
        var start = Tensorboard_Hparams_SessionStartInfo()
        start.groupName = name
        start.startTimeSecs = date.timeIntervalSince1970
        for hyperparameter in hyperparameters {
            start.hparams[hyperparameter.name] =
                switch hyperparameter.value {
                case .number(let number): Google_Protobuf_Value(numberValue: number)
                case .boolean(let truth): Google_Protobuf_Value(boolValue: truth)
                case .text(let text): Google_Protobuf_Value(stringValue: text)
                }
        }
        var data = Tensorboard_Hparams_HParamsPluginData()
        data.sessionStartInfo = start
        return try value(data, tag: "_hparams_/session_start_info")
    }

    static func sessionEnd(succeeded: Bool, date: Date) throws(OperationError) -> Tensorboard_Summary.Value {
        var data = Tensorboard_Hparams_HParamsPluginData()
        data.sessionEndInfo.status = succeeded ? .success : .failure
        data.sessionEndInfo.endTimeSecs = date.timeIntervalSince1970
        return try value(data, tag: "_hparams_/session_end_info")
    }

    /// Returns a value that consists of metadata only.
    private static func value(
        _ data: Tensorboard_Hparams_HParamsPluginData, tag: String
    ) throws(OperationError) -> Tensorboard_Summary.Value {
        var value = Tensorboard_Summary.Value()
        value.tag = tag
        value.metadata.pluginData.pluginName = "hparams"
        value.metadata.pluginData.content = Data(try TensorBoardLog.bytes(data))
        // TensorBoard requires a tensor of some kind, so an empty one is given.
        value.tensor.dtype = .dtFloat
        value.tensor.tensorShape.dim = [Tensorboard_TensorShapeProto.Dim()]
        return value
    }
}
