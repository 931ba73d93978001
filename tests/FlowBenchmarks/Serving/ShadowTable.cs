using System.Globalization;
using System.Text.Json;

namespace FlowBenchmarks.Serving;

/// <summary>
/// What comparing two versions adds to requests at full load: clients who never pause ask a service that compares, and one that does not, in
/// short turns, so that what the machine does beside it meets both alike.
/// </summary>
internal static class ShadowTable
{
    private const int Clients = 4, Groups = 10;

    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(0.5), WarmUp = TimeSpan.FromSeconds(8);

    /// <param name="output">Where the table goes.</param>
    /// <param name="turns">How often each service is asked for half a second.</param>
    /// <param name="settings">Further settings of the service that compares, like <c>--Models:ShadowTime=1</c>.</param>
    public static void Print(TextWriter output, int turns, string[] settings)
    {
        DirectoryInfo repository = Directory.CreateTempSubdirectory("flowbench-");
        try
        {
            Subject subject = Subject.Light;
            subject.Write(repository.FullName, 1);
            subject.Write(repository.FullName, 2);
            using Server plain = Server.Start(repository.FullName), compared = Server.Start(repository.FullName, [$"--Models:Overrides:{subject.Name}:Shadow=1", .. settings]);
            byte[] request = HttpConnection.Request("/logprob", "application/json", subject.Bodies()[0].Body);
            Load.Closed(plain.Port, request, Clients, WarmUp);
            Load.Closed(compared.Port, request, Clients, WarmUp);
            double before = Rows(compared, "rows"), beforeDropped = Rows(compared, "dropped");
            List<double>[] without = [.. Enumerable.Range(0, Groups).Select(_ => new List<double>())], with = [.. without.Select(_ => new List<double>())];
            for (int turn = 0; turn < turns; turn++)
            {
                List<double> a = without[turn * Groups / turns], b = with[turn * Groups / turns];
                if (turn % 2 == 0)
                    a.AddRange(Load.Closed(plain.Port, request, Clients, Turn).Answered);
                b.AddRange(Load.Closed(compared.Port, request, Clients, Turn).Answered);
                if (turn % 2 == 1)
                    a.AddRange(Load.Closed(plain.Port, request, Clients, Turn).Answered);
            }
            output.WriteLine("| of the requests | without | with | added | +- |");
            output.WriteLine("|---|---:|---:|---:|---:|");
            foreach (double share in new[] { 0.5, 0.9, 0.99 })
                output.WriteLine(Row(share, without, with));
            double seconds = turns * Turn.TotalSeconds, rows = Rows(compared, "rows") - before, dropped = Rows(compared, "dropped") - beforeDropped;
            output.WriteLine(Line($"{with.Sum(group => group.Count):N0} requests of {subject.Rows} rows were asked of the service that compares: {rows / seconds:N0} rows a second compared, {rows / (rows + dropped):P1} of those chosen"));
        }
        finally
        {
            repository.Delete(recursive: true);
        }
    }

    // The error is that of the mean over ten parts of the run.
    private static string Row(double share, List<double>[] without, List<double>[] with)
    {
        double a = Percentile(without.SelectMany(group => group), share), b = Percentile(with.SelectMany(group => group), share);
        double[] added = [.. without.Zip(with, (x, y) => Percentile(y, share) - Percentile(x, share))];
        double mean = added.Average(), error = Math.Sqrt(added.Sum(each => (each - mean) * (each - mean)) / (Groups - 1) / Groups);
        return Line($"| {share:P0} | {1000 * a:F2} ms | {1000 * b:F2} ms | {1e6 * (b - a):F0} us | {1e6 * error:F0} us |");
    }

    private static double Percentile(IEnumerable<double> seconds, double share) => Load.Percentile([.. seconds.Order()], share);

    private static double Rows(Server server, string name)
    {
        using var state = JsonDocument.Parse(server.Get($"/models/{Subject.Light.Name}/shadow"));
        return state.RootElement.GetProperty(name).GetDouble();
    }

    private static string Line(FormattableString line) => line.ToString(CultureInfo.InvariantCulture);
}
