using FlowCore.Bijections;

namespace FlowCore.Interop;

/// <summary>How normflows takes a datum apart, in its couplings and between the levels of a multi-scale flow.</summary>
internal static class NormflowsSplits
{
    /// <summary>The second of the two parts: what a coupling transforms, and what a level leaves as latent.</summary>
    public static CouplingMask SecondPart(DescribedNode at, string mode, EventShape shape)
    {
        bool inverted = mode.EndsWith("_inv", StringComparison.Ordinal);
        switch (mode)
        {
            case "channel" or "channel_inv":
                // With an odd number of channels, the first half is the larger one.
                int half = (shape.Channels + 1) / 2;
                return shape.Channels % 2 == 0
                    ? (inverted ? CouplingMask.FirstHalf : CouplingMask.SecondHalf)
                    : CouplingMask.Explicit([.. Enumerable.Range(0, shape.Channels).Select(channel => channel >= half != inverted)]);
            case "checkerboard" or "checkerboard_inv" when shape.IsImage:
                return inverted ? CouplingMask.PackedCheckerboardOdd : CouplingMask.PackedCheckerboardEven;
            case "checkerboard" or "checkerboard_inv" when shape.Features % 2 == 0:
                return inverted ? CouplingMask.Odd : CouplingMask.Even;
            case "checkerboard" or "checkerboard_inv":
                throw at.Error($"mode: '{mode}' takes an even number of features apart, here there are {shape.Features}");
            default:
                throw at.Error($"mode: '{mode}' is none of channel, channel_inv, checkerboard and checkerboard_inv");
        }
    }
}
