using FlowCore.Checkpoints;
using FlowCore.Engines;

namespace FlowService.Models;

/// <summary>What serves a checkpoint on a device: the one place where the kind of engine is chosen.</summary>
internal delegate FlowEngine<float> EngineFactory(Checkpoint checkpoint, string device);
