package cloud

// model is one kind of machine to rent.
type model struct {
	family string
	size   string
	gpu    gpu
	gpus   int64
	vcpus  int64
	gib    int64   // of memory
	hourly float64 // on demand, in US dollars
}

// gpu is what a family is rented for.
type gpu struct {
	name string
	mib  int64 // of its memory
}

func (m model) name() string { return m.family + "." + m.size }

// catalogue is the GPU machines of EC2 that the walkthrough's NodePool may choose from, as their public data sheets have
// them, with prices of us-east-1. Nobody pays them here; Karpenter compares them.
func catalogue() []model {
	a10g, l4, l40s := gpu{"a10g", 24 << 10}, gpu{"l4", 24 << 10}, gpu{"l40s", 48 << 10}
	h100, h200 := gpu{"h100", 80 << 10}, gpu{"h200", 141 << 10}
	return []model{
		{"g5", "xlarge", a10g, 1, 4, 16, 1.006},
		{"g5", "2xlarge", a10g, 1, 8, 32, 1.212},
		{"g5", "4xlarge", a10g, 1, 16, 64, 1.624},
		{"g5", "8xlarge", a10g, 1, 32, 128, 2.448},
		{"g5", "12xlarge", a10g, 4, 48, 192, 5.672},
		{"g5", "16xlarge", a10g, 1, 64, 256, 4.096},
		{"g5", "24xlarge", a10g, 4, 96, 384, 8.144},
		{"g5", "48xlarge", a10g, 8, 192, 768, 16.288},

		{"g6", "xlarge", l4, 1, 4, 16, 0.8048},
		{"g6", "2xlarge", l4, 1, 8, 32, 0.9776},
		{"g6", "4xlarge", l4, 1, 16, 64, 1.3232},
		{"g6", "8xlarge", l4, 1, 32, 128, 2.0144},
		{"g6", "12xlarge", l4, 4, 48, 192, 4.6016},
		{"g6", "16xlarge", l4, 1, 64, 256, 3.3968},
		{"g6", "24xlarge", l4, 4, 96, 384, 6.6752},
		{"g6", "48xlarge", l4, 8, 192, 768, 13.3504},

		{"g6e", "xlarge", l40s, 1, 4, 32, 1.861},
		{"g6e", "2xlarge", l40s, 1, 8, 64, 2.24208},
		{"g6e", "4xlarge", l40s, 1, 16, 128, 3.00424},
		{"g6e", "8xlarge", l40s, 1, 32, 256, 4.52856},
		{"g6e", "12xlarge", l40s, 4, 48, 384, 10.49264},
		{"g6e", "16xlarge", l40s, 1, 64, 512, 7.57719},
		{"g6e", "24xlarge", l40s, 4, 96, 768, 15.06559},
		{"g6e", "48xlarge", l40s, 8, 192, 1536, 30.13118},

		{"p5", "48xlarge", h100, 8, 192, 2048, 55.04},
		{"p5e", "48xlarge", h200, 8, 192, 2048, 63.296},
	}
}

// spotShare is what an interruptible machine costs of the price on demand. The real one moves between a third and two
// thirds; here it is fixed, so that the same pods get the same machines.
const spotShare = 0.4

// inStock says whether the cloud has machines of the model left. Those with several GPUs are known and out of stock, as
// they often are: Karpenter puts as many pods on one machine as the largest holds, and the walkthrough has a node a pod.
func (m model) inStock(severalGPUs bool) bool { return m.gpus == 1 || severalGPUs }
