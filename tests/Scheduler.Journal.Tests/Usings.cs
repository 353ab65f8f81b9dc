global using Xunit;
global using Clusters = Scheduler.TestKit.Clusters.Make;
