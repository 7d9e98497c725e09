import { describe, expect, it } from 'vitest';
import { urlProblem } from './go-url.ts';

// Each is what Go 1.26 said of the same URL.
describe('urlProblem', () => {
  it.each([
    'http://reviews',
    'HTTPS://reviews.shop:8080/a b/{c}?q=100%&{d}#x',
    'http://user:p%20w@prometheus_1.shop/',
    'http://:8080',
    'http://reviews:',
    'http://[::1]:8080/',
    'http://münchen.de',
    'http://a<b>"c"/',
    'http://a#\n',
  ])('finds nothing in %j', (url) => {
    expect(urlProblem(url)).toBeUndefined();
  });

  it.each([
    ['', 'scheme'],
    ['reviews', 'scheme'],
    ['reviews:8080', 'scheme'],
    ['//reviews', 'scheme'],
    [' http://reviews', 'scheme'],
    ['ftp://reviews', 'scheme'],
    ['http:reviews', 'host'],
    ['http://', 'host'],
    ['http:///check', 'host'],
    ['http://user@/check', 'host'],
    ['http://?q', 'host'],
    ['http://reviews:http', 'port'],
    ['http://reviews: 80', 'port'],
    ['http://my reviews', 'character'],
    ['http://{args.host}/', 'character'],
    ['http://reviews\n', 'character'],
    ['http://us er@reviews', 'character'],
    ['http://reviews/100%', 'escape'],
    ['http://reviews/%zz', 'escape'],
    ['http://reviews/#%', 'escape'],
  ])('finds in %j: %s', (url, problem) => {
    expect(urlProblem(url)).toBe(problem);
  });
});
