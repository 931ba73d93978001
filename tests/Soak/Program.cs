using System.Globalization;
using Soak;

// dotnet run -c Release --project tests/Soak -- [--minutes 30] [--seed 1] [--leak]
double minutes = 30;
int seed = 1;
bool leaks = false;
for (int i = 0; i < args.Length; i++)
    switch (args[i])
    {
        case "--minutes":
            minutes = double.Parse(args[++i], CultureInfo.InvariantCulture);
            break;
        case "--seed":
            seed = int.Parse(args[++i], CultureInfo.InvariantCulture);
            break;
        case "--leak":
            leaks = true;
            break;
        default:
            Console.Error.WriteLine($"soak: {args[i]} is not one of --minutes N, --seed N, --leak");
            return 2;
    }
return await Campaign.RunAsync(TimeSpan.FromMinutes(minutes), seed, leaks, Console.Out) ? 0 : 1;
