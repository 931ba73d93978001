using FlowCore.Calibration;

namespace FlowCore.Tests.Calibration;

public sealed class DonorsTests
{
    // Values that say which row and which column they are of.
    private static ReferenceRows Reference(int rows) => new([.. Enumerable.Range(0, rows * 3).Select(i => i / 3 + i % 3 * 10000f)], [], 3);

    [Theory, InlineData(2, 1, 1), InlineData(40, 10, 10), InlineData(1000, 128, 32)]
    public void What_lends_values_is_compared_with_nothing(int rows, int lending, int draws)
    {
        var donors = new Donors(Reference(rows));
        HashSet<int> others = [.. donors.Others];

        Assert.Equal((rows - lending, draws), (others.Count, donors.Count));
        for (int draw = 0; draw < draws; draw++)
        {
            float[] one = [-1, -1, -1], two = [-1, -1, -1];
            donors.Put<float>(one, [1], draw);
            donors.Put<float>(two, [0, 2], draw);

            Assert.Equal((-1f, -1f), (one[0], one[2]));
            Assert.DoesNotContain((int)(one[1] - 10000), others);
            Assert.Equal((-1f, two[0]), (two[1], two[2] - 20000)); // several values are of one row
            Assert.DoesNotContain((int)two[0], others);
        }
    }
}
