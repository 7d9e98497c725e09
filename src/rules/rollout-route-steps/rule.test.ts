import { testRule } from '../../../test/support/rule-tester.ts';
import { rolloutRouteSteps } from './rule.ts';

testRule(rolloutRouteSteps, import.meta.dirname);
