using System.Globalization;
using Soak;

// dotnet run -c Release --project tests/Soak -- [--minutes 30] [--seed 1] [--engine compiled|torch] [--leak]
var plan = new CampaignPlan(TimeSpan.FromMinutes(30));
for (int i = 0; i < args.Length; i++)
    switch (args[i])
    {
        case "--minutes":
            plan = plan with { Length = TimeSpan.FromMinutes(double.Parse(args[++i], CultureInfo.InvariantCulture)) };
            break;
        case "--seed":
            plan = plan with { Seed = int.Parse(args[++i], CultureInfo.InvariantCulture) };
            break;
        case "--engine":
            plan = plan with { Engine = args[++i] };
            break;
        case "--leak":
            plan = plan with { Leaks = true };
            break;
        default:
            Console.Error.WriteLine($"soak: {args[i]} is not one of --minutes N, --seed N, --engine KIND, --leak");
            return 2;
    }
return await Campaign.RunAsync(plan, Console.Out) ? 0 : 1;
