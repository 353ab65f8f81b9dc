global using Clusters = Scheduler.TestKit.Clusters.Make;
global using Xunit;
