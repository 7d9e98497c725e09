import { testRule } from '../../../test/support/rule-tester.ts';
import { experimentService } from './rule.ts';

testRule(experimentService, import.meta.dirname);
