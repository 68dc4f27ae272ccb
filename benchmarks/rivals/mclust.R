# EM by mclust from given means, equal weights and unit covariances. Arguments: folder, n, d, k, model, iterations.
# Prints the log-likelihood, and the seconds and iterations of a run of so many and of one of a single iteration: where
# the log-likelihood no longer changes in its last bit, mclust ends before.
suppressPackageStartupMessages(library(mclust))
given <- commandArgs(trailingOnly = TRUE)
n <- as.integer(given[2]); d <- as.integer(given[3]); k <- as.integer(given[4])
model <- given[5]; iterations <- as.integer(given[6])
doubles <- function(name, count) readBin(file.path(given[1], name), "double", count)
x <- matrix(doubles("x", n * d), n, d, byrow = TRUE)
means <- matrix(doubles("means", k * d), d, k)
units <- array(diag(d), c(d, d, k))
variance <- list(modelName = model, d = d, G = k, sigma = units, cholsigma = units, Sigma = diag(d),
                 cholSigma = diag(d), scale = rep(1, k), shape = matrix(1, d, k), sigmasq = rep(1, k))
start <- list(pro = rep(1 / k, k), mean = means, variance = variance)
fit <- function(times) {
  control <- emControl(eps = 0, tol = c(0, 0), itmax = c(times, times))
  took <- system.time(r <- em(data = x, modelName = model, parameters = start, control = control))
  c(r$loglik, took[["elapsed"]], attr(r, "info")[["iterations"]])
}
invisible(fit(1))  # what R does once, when a function is first called
short <- fit(1)
long <- fit(iterations)
cat(sprintf("%.17g %.6f %d %.6f %d\n", long[1], long[2], as.integer(long[3]), short[2], as.integer(short[3])))
