using FlowService.Models;

namespace FlowService.Batching;

/// <summary>What stands in a device's queue.</summary>
internal abstract class QueueEntry;

/// <summary>A model that leaves: its engine is disposed of on the device's thread once no work for it is left.</summary>
internal sealed class Retirement(ServedModel model) : QueueEntry
{
    public ServedModel Model => model;
}
